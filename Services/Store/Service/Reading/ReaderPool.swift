import EventLoop
import Faults
import RPC
import StoreBackend
import Telemetry

/// Threads with a reader each, in two lanes: what is answered at once never waits behind what
/// takes long, and one question that takes long holds up no other lane.
final class ReaderPool: Sendable {
  /// Which threads a question goes to.
  enum Lane: Sendable {
    /// One row, or one page of one run's log.
    case quick
    /// Scans, histories, exports: page by page, so that they take turns.
    case long
  }

  private struct Question: Sendable {
    let ask: @Sendable (any StoreReading) -> Void
  }

  private let quick: OwnerThreads<Question>
  private let long: OwnerThreads<Question>
  private let loop: EventLoop
  private let metrics: StoreMetrics

  init(on loop: EventLoop, metrics: StoreMetrics) {
    self.loop = loop
    self.metrics = metrics
    quick = OwnerThreads(name: "store-read", waitingMax: ReaderLimits.quickWaitingMax)
    long = OwnerThreads(name: "store-scan", waitingMax: ReaderLimits.longWaitingMax)
  }

  /// Starts the threads; each opens a reader of its own.
  func open(_ open: @escaping @Sendable () throws -> any StoreReading) async throws {
    for (lane, count) in [(quick, ReaderLimits.quickThreads), (long, ReaderLimits.longThreads)] {
      for _ in 0..<count {
        try await lane.start(open: open) { reader, questions in
          for question in questions { question.ask(reader) }
        }
      }
    }
  }

  /// Asks on a thread of the lane; a question whose call is out of time is not asked any more.
  func ask<Answer: Sendable>(
    _ lane: Lane, _ question: @escaping @Sendable (any StoreReading) throws -> Answer
  ) async throws -> Answer {
    let deadline = CallDeadline.nanoseconds
    let (loop, metrics) = (loop, metrics)
    return try await withCheckedThrowingContinuation { answer in
      let question = Question { reader in
        let began = loop.nowNanoseconds
        if let deadline, deadline <= began {
          return answer.resume(throwing: Fault.outOfTime)
        }
        let result = Result { try question(reader) }
        metrics.readTime.record(loop.nowNanoseconds - began)
        answer.resume(with: result)
      }
      switch (lane == .quick ? quick : long).submit(question) {
      case .taken: break
      case .full:
        metrics.refusedBusy.add()
        answer.resume(throwing: Fault.storeBusy(limit: "\(lane)WaitingMax"))
      case .ended: answer.resume(throwing: Fault.shuttingDown)
      }
    }
  }

  func close() async {
    await quick.end()
    await long.end()
  }
}

/// Bounds on reading.
enum ReaderLimits {
  static let quickThreads = 2
  static let longThreads = 2
  static let quickWaitingMax = 8192
  static let longWaitingMax = 512
  /// Rows of one page of a stream.
  static let rowsPerPage = 200
}

extension Fault {
  static let outOfTime = Fault(
    .deadlineExceeded, reason: "DEADLINE_EXCEEDED",
    "The call was out of time before the database was asked.")
}
