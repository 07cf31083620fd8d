import EventLoop
import Faults
import GRPCFormat
import HTTP2
import Locking
import Protobuf
import RPCStream

/// One call on the server, between its connection and its handler.
///
/// `@unchecked Sendable`: what is below "Loop only" is touched on the connection's loop alone
/// (each entry asserts it); everything a handler may touch from another thread is in `outbox`
/// and `shared`.
final class ServerStream: @unchecked Sendable {
  let id: Int32
  let loop: EventLoop
  let served: ServedMethod
  let call: any ServerCall
  let metadata: Metadata
  let peer: PeerIdentity
  let deadlineNanoseconds: UInt64?
  let startedAt: UInt64
  private let acceptsGzip: Bool
  let outbox: Outbox

  struct Shared {
    var initial = Metadata()
    var trailing = Metadata()
    var fault: Fault?
    var isCompressing = false
    var declaresGzip = false
    var areHeadersWanted = false
    var areHeadersSent = false
    var isOver = false
  }
  let shared = Lock(Shared())

  // Loop only.
  var connection: ServerConnection?
  var deframer: MessageDeframer
  let isRequestCompressed: Bool
  var isRequestEnded = false
  var lastDataAt: UInt64
  var task: Task<Void, Never>?
  var deadlineTimer: LoopTimer?
  /// Bytes of the outbox that the connection has counted.
  var countedUnsent = 0

  init(
    id: Int32, head: RequestHead, served: ServedMethod, connection: ServerConnection
  ) {
    self.id = id
    self.loop = connection.loop
    self.served = served
    self.call = served.handler.makeCall()
    self.metadata = head.metadata
    self.peer = connection.peer
    self.acceptsGzip = head.acceptsGzip
    self.isRequestCompressed = head.isGzip
    self.startedAt = loop.nowNanoseconds
    self.lastDataAt = startedAt
    self.deadlineNanoseconds = head.timeoutNanoseconds.map { [startedAt] in startedAt &+ $0 }
    self.deframer = MessageDeframer(
      messageBytesMax: served.handler.descriptor.requestBytesMax)
    self.outbox = Outbox(unsentBytesMax: connection.limits.streamUnsentBytesMax)
    self.connection = connection
  }

  var method: MethodDescriptor { served.handler.descriptor }

  // MARK: The handler's side, from any thread

  /// Sends one of many answers; waits while the peer does not take what was sent.
  func send(_ message: some WireMessage) async throws {
    let appended = try append(message)
    if appended.wakes { wake() }
    if appended.waits { try await outbox.waitForRoom() }
  }

  /// Sends a message that is framed already, like `send`.
  func send(framed: [UInt8]) async throws {
    let appended = try outbox.append(framed: framed)
    if appended.wakes { wake() }
    if appended.waits { try await outbox.waitForRoom() }
  }

  /// Sends the only answer of a unary call; it leaves with the end.
  func answer(_ message: some WireMessage) throws {
    _ = try append(message)
    // The end that follows wakes the connection for both.
  }

  private func append(_ message: some WireMessage) throws -> Outbox.Appended {
    if shared.withLock({ $0.isCompressing }) {
      return try outbox.append(framed: try MessageCompression.frame(message))
    }
    return try outbox.append(message)
  }

  func addInitial(_ metadata: Metadata) {
    shared.withLock { state in
      for entry in metadata.entries { state.initial.add(entry) }
    }
  }

  func addTrailing(_ metadata: Metadata) {
    shared.withLock { state in
      for entry in metadata.entries { state.trailing.add(entry) }
    }
  }

  func compressResponses(_ isOn: Bool) {
    shared.withLock { state in
      guard acceptsGzip, state.declaresGzip || !state.areHeadersSent else { return }
      state.declaresGzip = true
      state.isCompressing = isOn
    }
  }

  func sendHeadersNow() {
    shared.withLock { $0.areHeadersWanted = true }
    wake()
  }

  /// Gives the peer room for bytes that the reader took.
  func credit(_ count: Int) {
    onLoop { stream in stream.connection?.credit(stream, count) }
  }

  private func wake() {
    onLoop { stream in stream.connection?.wake(stream) }
  }

  private func onLoop(_ body: @escaping @Sendable (ServerStream) -> Void) {
    if loop.isCurrent { body(self) } else { loop.execute { body(self) } }
  }

  /// The handler returned or threw: its status goes out behind what it sent.
  func finish(_ fault: Fault?) {
    let (isFirst, sentNothing) = shared.withLock { state in
      if state.isOver { return (false, false) }
      state.isOver = true
      state.fault = fault
      return (true, !state.areHeadersSent)
    }
    guard isFirst else { return }
    _ = outbox.finish(.endsWithTrailers, discarding: fault != nil && sentNothing)
    wake()
  }

  var isOver: Bool { shared.withLock { $0.isOver } }

  // MARK: Loop only

  /// The stream is gone: nobody waits for it any more.
  func closed(_ cause: StreamEnd) {
    loop.assertCurrent()
    deadlineTimer?.cancel()
    deadlineTimer = nil
    connection = nil
    let task = task.take()
    // A call that is over, as nearly all are, needs no fault to be made.
    if isOver { return outbox.close(cause.fault) }
    let fault = cause.fault()
    let wasOver = shared.withLock { state in
      defer { state.isOver = true }
      if !state.isOver { state.fault = fault }
      return state.isOver
    }
    outbox.close(cause.fault)
    if !wasOver {
      call.abort(fault)
      task?.cancel()
    }
  }

  /// Writes the next bytes of the body; the last time, queues the trailers too.
  func fill(_ room: UnsafeMutableRawBufferPointer, _ session: HTTP2Session) -> BodyFill {
    let fill = unsafe outbox.take(into: room)
    if case .endsWithTrailers = fill {
      do {
        try session.submitTrailers(trailers(), on: id)
        // The answer is complete: what the caller still sends is not wanted any more.
        if !isRequestEnded { session.resetAfterEnd(id) }
      } catch {
        return .fails
      }
    }
    return fill
  }

  func trailers() -> HeaderBlock {
    let (fault, metadata) = shared.withLock { ($0.fault, $0.trailing) }
    return StatusTrailers.block(fault: fault, metadata: metadata)
  }

  /// What the headers of the response must be, the first time this is asked.
  func takeHead() -> ResponseOpening {
    let hasBody = !outbox.isEmpty || outbox.isOpen
    return shared.withLock { state in
      guard !state.areHeadersSent else { return .alreadySent }
      state.areHeadersSent = true
      // An error before anything was sent goes out as trailers alone.
      if state.fault != nil, !hasBody, !state.areHeadersWanted { return .endsAtOnce(state.initial) }
      return .head(ResponseHead.block(metadata: state.initial, isGzip: state.declaresGzip))
    }
  }
}

/// How a response begins on the wire.
enum ResponseOpening {
  case alreadySent
  case endsAtOnce(Metadata)
  case head(HeaderBlock)
}

/// Why a stream ended before its call did; the fault is only made when somebody asks.
struct StreamEnd: Sendable {
  let fault: @Sendable () -> Fault

  static let callerGone = StreamEnd {
    Fault(.cancelled, reason: "CALLER_GONE", "The caller cancelled the call or went away.")
  }
  static let connectionLost = StreamEnd {
    Fault(.cancelled, reason: "CONNECTION_LOST", "The caller's connection is gone.")
  }
}
