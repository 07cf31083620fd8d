import Faults
import GatewayProviders

/// What makes two calls the same: who pays, and everything that changes the answer.
struct FlightName: Hashable, Sendable {
  let product: String
  let hash: [UInt8]
}

/// A call that is being made, and those who wait for its answer.
///
/// Belongs to the pipeline's loop.
final class CallFlight {
  private var waiting: [CheckedContinuation<CallAnswer, any Error>] = []
  private(set) var result: Result<CallAnswer, any Error>?

  var isFull: Bool { waiting.count >= PipelineLimits.joinedMax }

  /// The answer, when it has come.
  func answer() async throws -> CallAnswer {
    if let result { return try result.get() }
    return try await withCheckedThrowingContinuation { waiting.append($0) }
  }

  func end(_ result: Result<CallAnswer, any Error>) {
    self.result = result
    for continuation in waiting { continuation.resume(with: result) }
    waiting = []
  }
}
