package import Faults
import Locking
package import Protobuf

/// The received messages of one stream, from the connection's loop to whoever reads them.
///
/// Safe from any thread. One reader at a time; a second one is refused, not queued. What may wait
/// here is bounded by the stream's flow-control window, which is given back as the reader takes.
package final class MessageQueue<Message: WireMessage>: Sendable {
  package struct Item: Sendable {
    package let message: Message
    package let isCompressed: Bool
  }

  private struct State {
    var items: [Item] = []
    var head = 0
    var isLastTakenCompressed = false
    /// Bytes off the wire that the peer has not been given room for again.
    var uncredited = 0
    var ending: Ending?
    var waiter: Waiter<Message?, any Error>?
    var credit: (@Sendable (Int) -> Void)?

    var isEmpty: Bool { head == items.count }

    mutating func take() -> Item? {
      guard head < items.count else { return nil }
      let item = items[head]
      head += 1
      isLastTakenCompressed = item.isCompressed
      if head == items.count {
        items.removeAll(keepingCapacity: true)
        head = 0
      }
      return item
    }

    mutating func takeCredit() -> (@Sendable (Int) -> Void)? {
      guard isEmpty, uncredited >= MessageQueueLimits.creditStepBytes else { return nil }
      return credit
    }
  }

  private enum Ending: Sendable {
    case finished
    case failed(Fault)
  }

  private let state = Lock(State())

  package init() {}

  /// How the reader gives room back to the peer; `finish` and `fail` let go of it.
  package func onCredit(_ credit: @escaping @Sendable (Int) -> Void) {
    state.withLock { $0.credit = credit }
  }

  // MARK: The connection's side

  /// Hands a message over, to a waiting reader at once.
  package func push(_ message: Message, isCompressed: Bool) {
    let waiter = state.withLock { state -> Waiter<Message?, any Error>? in
      guard state.ending == nil else { return nil }
      if let waiter = state.waiter {
        state.waiter = nil
        state.isLastTakenCompressed = isCompressed
        return waiter
      }
      state.items.append(Item(message: message, isCompressed: isCompressed))
      return nil
    }
    waiter?.resume(returning: message)
  }

  /// Notes bytes off the wire; answers how many the peer may have room for again now.
  package func arrived(_ count: Int) -> Int {
    state.withLock { state in
      state.uncredited += count
      guard state.isEmpty, state.uncredited >= MessageQueueLimits.creditStepBytes else { return 0 }
      defer { state.uncredited = 0 }
      return state.uncredited
    }
  }

  /// No more will come; what is queued is still read.
  package func finish() { end(.finished, dropping: false) }

  /// The stream broke: the reader gets `fault` after what is queued, or at once when `dropping`.
  package func fail(_ fault: Fault, dropping: Bool = false) {
    end(.failed(fault), dropping: dropping)
  }

  private func end(_ ending: Ending, dropping: Bool) {
    let waiter = state.withLock { state -> Waiter<Message?, any Error>? in
      guard state.ending == nil else { return nil }
      state.ending = ending
      state.credit = nil
      if dropping {
        state.items = []
        state.head = 0
      }
      defer { state.waiter = nil }
      return state.waiter
    }
    guard let waiter else { return }
    switch ending {
    case .finished: waiter.resume(returning: nil)
    case .failed(let fault): waiter.resume(throwing: fault)
    }
  }

  // MARK: The reader's side

  package var isLastTakenCompressed: Bool { state.withLock { $0.isLastTakenCompressed } }

  /// The next message; nil at the end of the stream; throws the fault that broke it.
  package func next() async throws -> Message? {
    switch takeReady() {
    case .some(let result): return try result.get()
    case .none: break
    }
    return try await withTaskCancellationHandler {
      try await waitThrowing { waiter in park(waiter) }
    } onCancel: {
      cancelWaiter()
    }
  }

  private func takeReady() -> Result<Message?, any Error>? {
    // Variables instead of a tuple: one of generic types is looked up at run time.
    var credit: (@Sendable (Int) -> Void)?
    var count = 0
    let result = state.withLock { state -> Result<Message?, any Error>? in
      if let item = state.take() {
        credit = state.takeCredit()
        if credit != nil {
          count = state.uncredited
          state.uncredited = 0
        }
        return .success(item.message)
      }
      switch state.ending {
      case .none: return nil
      case .finished: return .success(nil)
      case .failed(let fault): return .failure(fault)
      }
    }
    credit?(count)
    return result
  }

  private func park(_ waiter: Waiter<Message?, any Error>) {
    // Something may have come between the look and the lock.
    let now = state.withLock { state -> Result<Message?, any Error>? in
      if Task.isCancelled { return .failure(CancellationError()) }
      if let item = state.take() { return .success(item.message) }
      switch state.ending {
      case .finished: return .success(nil)
      case .failed(let fault): return .failure(fault)
      case .none: break
      }
      guard state.waiter == nil else {
        return .failure(
          Fault(
            .failedPrecondition, reason: "SECOND_READER",
            "This stream already has a reader waiting."))
      }
      state.waiter = waiter
      return nil
    }
    if let now { waiter.resume(with: now) }
  }

  private func cancelWaiter() {
    let waiter = state.withLock { state -> Waiter<Message?, any Error>? in
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(throwing: CancellationError())
  }
}

/// Bounds on what waits between a connection and a reader.
package enum MessageQueueLimits {
  /// Room is given back in steps, so that small messages do not each cost a WINDOW_UPDATE.
  package static let creditStepBytes = 32 << 10
}
