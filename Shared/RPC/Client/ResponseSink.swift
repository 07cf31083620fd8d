import Faults
import GRPCFormat
import Locking
import Protobuf
import RPCStream

/// The typed half of one call on the client: what its responses become.
protocol ResponseSink: AnyObject, Sendable {
  func receivedHeaders(_ metadata: Metadata)
  func receive(_ message: RawSpan, isCompressed: Bool) throws
  /// Notes bytes off the wire; answers how many the server may have room for again.
  func arrived(_ count: Int) -> Int
  /// Whether the caller has seen anything: after that an attempt cannot be made again.
  var hasDelivered: Bool { get }
  /// The last word: nil is success.
  func finished(_ fault: Fault?, trailing: Metadata)
}

/// Exactly one response message.
final class SingleResponseSink<Answer: WireMessage>: ResponseSink {
  private struct State {
    var answer: Answer?
    var isDouble = false
    var initial = Metadata()
    var trailing = Metadata()
    var result: Result<Answer, Fault>?
    var waiter: Waiter<Result<Answer, Fault>, Never>?
  }
  private let state = Lock(State())

  var initialMetadata: Metadata { state.withLock { $0.initial } }
  var trailingMetadata: Metadata { state.withLock { $0.trailing } }
  var hasDelivered: Bool { false }

  func receivedHeaders(_ metadata: Metadata) { state.withLock { $0.initial = metadata } }
  func arrived(_ count: Int) -> Int { count }

  func receive(_ message: RawSpan, isCompressed: Bool) throws {
    let answer = try Answer(unpacking: message)
    state.withLock { state in
      state.isDouble = state.answer != nil
      state.answer = answer
    }
  }

  func finished(_ fault: Fault?, trailing: Metadata) {
    // A variable instead of a pair: a tuple of generic types is looked up at run time.
    var result = Result<Answer, Fault>.failure(fault ?? SingleResponseSink.wrongCount)
    let waiter = state.withLock { state in
      state.trailing = trailing
      if fault == nil, let answer = state.answer, !state.isDouble { result = .success(answer) }
      state.result = result
      return state.waiter.take()
    }
    waiter?.resume(returning: result)
  }

  private static var wrongCount: Fault {
    Fault(
      .internal, reason: "RESPONSE_COUNT",
      "The server answered OK without exactly one message.")
  }

  /// Waits for the last word; one task only.
  func result() async -> Result<Answer, Fault> {
    await wait { waiter in
      let ready = state.withLock { state -> Result<Answer, Fault>? in
        if let result = state.result { return result }
        state.waiter = waiter
        return nil
      }
      if let ready { waiter.resume(returning: ready) }
    }
  }
}

/// Many response messages.
final class StreamedResponseSink<Answer: WireMessage>: ResponseSink {
  let queue = MessageQueue<Answer>()
  private struct State {
    var hasDelivered = false
    var initial: Metadata?
    var trailing: Metadata?
    var waiters: [Waiter<Void, Never>] = []
  }
  private let state = Lock(State())

  var hasDelivered: Bool { state.withLock { $0.hasDelivered } }
  var trailingMetadata: Metadata { state.withLock { $0.trailing ?? Metadata() } }

  func receivedHeaders(_ metadata: Metadata) {
    resume { $0.initial = metadata }
  }

  func arrived(_ count: Int) -> Int { queue.arrived(count) }

  func receive(_ message: RawSpan, isCompressed: Bool) throws {
    let answer = try Answer(unpacking: message)
    state.withLock { $0.hasDelivered = true }
    queue.push(answer, isCompressed: isCompressed)
  }

  func finished(_ fault: Fault?, trailing: Metadata) {
    resume { $0.trailing = trailing }
    if let fault { queue.fail(fault) } else { queue.finish() }
  }

  /// The metadata before the first message; empty when the call ended without.
  func initialMetadata() async -> Metadata {
    await wait { waiter in
      let isReady = state.withLock { state in
        if state.initial != nil || state.trailing != nil { return true }
        state.waiters.append(waiter)
        return false
      }
      if isReady { waiter.resume() }
    }
    return state.withLock { $0.initial ?? Metadata() }
  }

  private func resume(_ change: (inout State) -> Void) {
    let waiters = state.withLock { state -> [Waiter<Void, Never>] in
      change(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}
