import Faults
import Feed
import Locking
import ScoreContract
import StoreBackend
import StoreContract
import Telemetry

/// What is told of each thing that is on disk now: to followers, and to the desk of leases.
final class Telling: Sendable {
  private struct Ears {
    let desk: LeaseDesk
    let feed: EventFeed
    let metrics: StoreMetrics
  }

  private let ears = Lock<Ears?>(nil)

  /// Before the first receipt.
  func connect(_ desk: LeaseDesk, _ feed: EventFeed, _ metrics: StoreMetrics) {
    ears.withLock { $0 = Ears(desk: desk, feed: feed, metrics: metrics) }
  }

  /// On the loop, in the order of the writes.
  func tell(_ order: WriteOrder, _ receipt: WriteReceipt) {
    guard let ears = ears.withLock({ $0 }) else { return }
    switch (order, receipt) {
    case (.createRun(let product, let request), .runCreated(_, let events)):
      guard !events.isEmpty else { return }
      publish(events, of: product, request.runId, ears)
      ears.desk.runChanged(LeaseKey(product: product, name: request.runId), wantsOwner: true)
    case (.requestOfRun(let product, let request), .runRequested(_, let events)):
      publish(events, of: product, request.runId, ears)
      ears.desk.runRequested(
        LeaseKey(product: product, name: request.runId), request.request)
    case (.commit(let product, let commit), .committed(_, let events, _, let wantsOwner)):
      guard !events.isEmpty else { return }
      ears.metrics.commits.add()
      publish(events, of: product, commit.runID, ears)
      ears.desk.heard(
        LeaseKey(product: product, name: commit.leaseName), token: commit.leaseToken)
      ears.desk.runChanged(
        LeaseKey(product: product, name: commit.runID), wantsOwner: wantsOwner)
    default: break
    }
  }

  private func publish(
    _ events: [Event], of product: ProductScope, _ runID: String, _ ears: Ears
  ) {
    guard let first = events.first else { return }
    ears.metrics.events.add(UInt64(events.count))
    ears.feed.append(events, to: RunName(product: product, runID: runID), first: first.seq)
  }
}
