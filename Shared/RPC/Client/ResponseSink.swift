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

/// What is known of a single response beside its message: not generic, see `SingleResponseSink`.
private struct SingleResponseState {
  var initial = Metadata()
  var trailing = Metadata()
  var isOver = false
  var fault: Fault?
  var waiter: Waiter<Void, Never>?
}

/// Exactly one response message.
///
/// `@unchecked Sendable`: the loop writes `answer` before it takes `state` to say the last word,
/// and whoever waits reads it after that word alone. Within the lock this generic value would make
/// every use of the lock look up a type at run time.
final class SingleResponseSink<Answer: WireMessage>: ResponseSink, @unchecked Sendable {
  // Not an optional, for the same reason.
  private var answer = Answer()
  private var answerCount = 0

  private let state = Lock(SingleResponseState())

  var initialMetadata: Metadata { state.withLock { $0.initial } }
  var trailingMetadata: Metadata { state.withLock { $0.trailing } }
  var hasDelivered: Bool { false }

  func arrived(_ count: Int) -> Int { count }

  func receivedHeaders(_ metadata: Metadata) {
    // An attempt before this one may have answered and then failed.
    answerCount = 0
    state.withLock { $0.initial = metadata }
  }

  func receive(_ message: RawSpan, isCompressed: Bool) throws {
    answer = try Answer(unpacking: message)
    answerCount += 1
  }

  func finished(_ fault: Fault?, trailing: Metadata) {
    let waiter = state.withLock { state in
      state.trailing = trailing
      state.fault = fault
      state.isOver = true
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Waits for the last word; one task only.
  func result() async throws(Fault) -> Answer {
    await wait { waiter in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiter = waiter }
        return state.isOver
      }
      if isOver { waiter.resume() }
    }
    if let fault = state.withLock({ $0.fault }) { throw fault }
    guard answerCount == 1 else { throw ResponseCount.fault }
    return answer
  }
}

/// OK without exactly one message.
private enum ResponseCount {
  static var fault: Fault {
    Fault(
      .internal, reason: "RESPONSE_COUNT",
      "The server answered OK without exactly one message.")
  }
}

/// The same of many responses.
private struct StreamedResponseState {
  var hasDelivered = false
  var initial: Metadata?
  var trailing: Metadata?
  var waiters: [Waiter<Void, Never>] = []
}

/// Many response messages.
final class StreamedResponseSink<Answer: WireMessage>: ResponseSink {
  let queue = MessageQueue<Answer>()
  private let state = Lock(StreamedResponseState())

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

  private func resume(_ change: (inout StreamedResponseState) -> Void) {
    let waiters = state.withLock { state -> [Waiter<Void, Never>] in
      change(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}
