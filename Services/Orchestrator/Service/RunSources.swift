import EventLoop
import Faults
import Feed
import RPC
import ScoreContract
import StoreContract

/// The streams from Store that feed those who watch: one for each run that is watched here.
actor RunSources: LoopActor {
  nonisolated let loop: EventLoop
  private let store: StoreClient
  private let feed: RunFeed
  private var sources: [OwnedRun: Source] = [:]
  private var nextID = 0

  private struct Source {
    let id: Int
    /// The run's last sequence when it was opened; fails when there is no such run.
    let opening: Task<Int64, any Error>
    var pump: Task<Void, Never>?
    var watchers = 1
  }

  private static let reopenAfter = Duration.milliseconds(50)

  init(store: StoreClient, feed: RunFeed, on loop: EventLoop) {
    self.store = store
    self.feed = feed
    self.loop = loop
  }

  /// Returns when every event that becomes durable from now on will reach the feed.
  func enter(_ run: OwnedRun) async throws {
    if let source = sources[run] {
      sources[run]?.watchers += 1
      do {
        _ = try await source.opening.value
      } catch {
        leave(run)
        throw error
      }
      return
    }
    nextID += 1
    let id = nextID
    let store = store
    let opening = Task(executorPreference: loop) {
      var options = CallOptions(timeout: .seconds(10))
      options.metadata = run.metadata
      let answer = try await store.getRun(GetRunRequest(runId: run.id), options: options)
      return answer.run?.lastSeq ?? 0
    }
    sources[run] = Source(id: id, opening: opening)
    do {
      let last = try await opening.value
      guard sources[run]?.id == id else { return }
      sources[run]?.pump = Task(executorPreference: loop) {
        await self.pump(run, id: id, after: last)
      }
    } catch {
      leave(run)
      throw error
    }
  }

  func leave(_ run: OwnedRun) {
    guard let source = sources[run] else { return }
    guard source.watchers <= 1 else {
      sources[run]?.watchers -= 1
      return
    }
    source.pump?.cancel()
    sources[run] = nil
  }

  /// Passes on what the store tells, over its restarts, until the run has ended.
  private func pump(_ run: OwnedRun, id: Int, after seq: Int64) async {
    var cursor = seq
    var options = CallOptions()
    options.metadata = run.metadata
    while !Task.isCancelled {
      do {
        let request = ReadEventsRequest(runId: run.id, afterSeq: cursor, follow: true)
        for try await answer in store.readEvents(request, options: options) {
          guard let first = answer.events.first, let last = answer.events.last else { continue }
          feed.append(answer.events, to: run, first: first.seq)
          cursor = last.seq
        }
        break
      } catch {
        let fault = Fault(describing: error)
        // A store that has lost what it had: nobody waits for the rest.
        if [.notFound, .outOfRange].contains(fault.code) {
          feed.end(run, fault)
          break
        }
        try? await loop.sleep(for: Self.reopenAfter)
      }
    }
    // Whoever watches it from now on, since it was resumed, opens a new one.
    if sources[run]?.id == id { sources[run] = nil }
  }
}
