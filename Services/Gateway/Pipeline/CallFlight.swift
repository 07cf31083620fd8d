package import EventLoop
import Faults
import GatewayProviders

/// What makes two calls the same: who pays, and everything that changes the answer.
struct FlightName: Hashable, Sendable {
  let product: String
  let hash: [UInt8]
  /// What is kept of a stream are its events.
  let isStream: Bool
}

/// A call that is being made, and those who wait for its answer.
///
/// Belongs to the pipeline's loop.
package final class CallFlight {
  private typealias Waiter = CheckedContinuation<CallAnswer, any Error>

  /// Of what is asked.
  let hash: [UInt8]
  /// By which others may join it; nil: nobody may.
  var name: FlightName?
  private var waiting: [Int: Waiter] = [:]
  private var lastWaiter = 0
  private var result: Result<CallAnswer, any Error>?
  /// Whether it was let go to a provider.
  var hasLeft = false

  /// How soon whoever was patient enough looks again for the desk's word.
  private static let recheck = Duration.milliseconds(5)

  package init(hash: [UInt8]) { self.hash = hash }

  var isFull: Bool { waiting.count >= PipelineLimits.joinedMax }

  /// The answer, when it has come. Whoever waits no longer than a while is told so; the call goes
  /// on without it.
  ///
  /// `isOwn` says that the call is made for this caller. Its patience is then the desk's deadline
  /// too: one that has not left by then never will, and the desk says why and until when.
  package func answer(
    within patience: Duration?, on loop: EventLoop, isOwn: Bool = false
  ) async throws -> CallAnswer {
    if let result { return try result.get() }
    lastWaiter += 1
    let id = lastWaiter
    let timer = patience.map { patience in
      loop.schedule(after: patience) { [weak self] in
        self?.giveUp(id, patience, isOwn: isOwn, on: loop)
      }
    }
    defer { timer?.cancel() }
    return try await withCheckedThrowingContinuation { waiting[id] = $0 }
  }

  private func giveUp(_ id: Int, _ patience: Duration, isOwn: Bool, on loop: EventLoop) {
    guard let waiter = waiting[id] else { return }
    guard hasLeft || !isOwn else {
      loop.schedule(after: Self.recheck) { [weak self] in
        self?.giveUp(id, patience, isOwn: isOwn, on: loop)
      }
      return
    }
    waiting[id] = nil
    waiter.resume(throwing: Self.tooLate(patience))
  }

  package func end(_ result: Result<CallAnswer, any Error>) {
    self.result = result
    for continuation in waiting.values { continuation.resume(with: result) }
    waiting = [:]
  }

  private static func tooLate(_ patience: Duration) -> Fault {
    Fault(
      .deadlineExceeded, reason: "WAITED_TOO_LONG", "The answer did not come within \(patience).",
      hint: "It is made and paid all the same: ask again under the same call key.")
  }
}
