package import EventLoop
import Faults
import Feed
package import RPC
import ScoreContract
import StoreBackend
import StoreContract
package import Telemetry

/// A store at work: its writer, its readers, its desk of leases, its followers.
package final class OpenStore: Sendable {
  private let queue: CommitQueue
  private let readers: ReaderPool
  private let desk: LeaseDesk
  private let feed: EventFeed
  private let calls: StoreCalls
  let metrics: StoreMetrics
  /// Why writes take longer than they could.
  let journalAbsence: String?

  /// Opens everything on threads of their own; throws what is wrong with the file.
  package init(
    _ opening: StoreOpening, on loop: EventLoop, leaseTTL: Duration, backupPath: String? = nil,
    metrics registry: Metrics
  ) async throws {
    let metrics = StoreMetrics(registry)
    let feed = EventFeed.make(on: loop)
    let telling = Telling()
    let queue = CommitQueue(on: loop, metrics: metrics) { order, receipt in
      telling.tell(order, receipt)
    }
    let desk = LeaseDesk(on: loop, ttl: leaseTTL, metrics: metrics) { queue.writeUnheard($0) }
    telling.connect(desk, feed, metrics)
    let readers = ReaderPool(on: loop, metrics: metrics)
    registry.gauge("assay_store_followers", help: "Calls that follow a run.") {
      Double(feed.followerCount)
    }
    let known = try await queue.open(opening.writer)
    do {
      try await readers.open(opening.reader)
    } catch {
      await queue.close()
      throw error
    }
    desk.restore(known.leases, wanted: known.runsWantingOwner)
    self.queue = queue
    self.readers = readers
    self.desk = desk
    self.feed = feed
    self.metrics = metrics
    journalAbsence = known.journalAbsence
    calls = StoreCalls(
      queue: queue, readers: readers, desk: desk, feed: feed,
      backups: BackupFolder(path: backupPath, queue: queue), metrics: metrics)
  }

  package var definition: ServiceDefinition { calls.definition }

  /// Ends the streams that do not end by themselves; sessions may be continued later.
  package func endStreams() {
    desk.close()
    feed.end(.shuttingDown)
  }

  /// Writes what waits, puts the file in order and closes it.
  package func close() async {
    endStreams()
    await queue.close()
    await readers.close()
  }

  /// Returns when the task is cancelled; throws when the disk has failed under the writer.
  package func whileWhole() async throws { try await queue.whileWhole() }
}
