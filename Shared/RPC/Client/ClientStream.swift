import EventLoop
import Faults
import GRPCFormat
import HTTP2
import RPCStream

/// One call on the client over all its attempts: waiting, open on a connection, or over.
///
/// `@unchecked Sendable`: what is below "Loop only" is touched on the channel's loop alone; the
/// sending side is `outbox`, the receiving side `sink`, both safe from any thread.
final class ClientStream: @unchecked Sendable {
  let method: MethodDescriptor
  let options: CallOptions
  let deadlineNanoseconds: UInt64?
  let sink: any ResponseSink
  let outbox: Outbox
  let startedAt: UInt64
  let channel: ChannelCore
  private let loop: EventLoop
  /// The whole request, framed, when it may be sent again.
  private let replay: [UInt8]?

  // Loop only.
  enum State {
    case waiting
    case open(ClientConnection, Int32)
    case resting
    case over
  }
  private(set) var state = State.waiting
  private var attempts = 0
  private var moves = 0
  private var deadlineTimer: LoopTimer?
  private var restTimer: LoopTimer?
  private(set) var patienceTimer: LoopTimer?
  // One attempt's view of the response.
  private var deframer: MessageDeframer
  private var isGzip = false
  private var hasHeaders = false
  private var status: (fault: Fault?, trailing: Metadata)?
  private var localFault: Fault?

  init(
    _ method: MethodDescriptor, _ options: CallOptions, request: [UInt8]?,
    sink: any ResponseSink, channel: ChannelCore
  ) {
    self.method = method
    self.options = options
    self.sink = sink
    self.channel = channel
    self.loop = channel.loop
    self.replay = request
    self.startedAt = loop.nowNanoseconds
    let own = options.timeout.map { [startedAt] in startedAt &+ $0.wholeNanoseconds }
    let surrounding = CallDeadline.nanoseconds
    if let own, let surrounding {
      self.deadlineNanoseconds = min(own, surrounding)
    } else {
      self.deadlineNanoseconds = own ?? surrounding
    }
    self.outbox = Outbox(unsentBytesMax: channel.options.limits.streamUnsentBytesMax)
    self.deframer = MessageDeframer(messageBytesMax: method.responseBytesMax)
    if let request { outbox.restart(with: request) }
  }

  // MARK: From any thread

  func start() { onLoop { stream in stream.begin() } }

  func cancel() {
    onLoop { stream in
      stream.end(Fault(.cancelled, reason: "CANCELLED", "The caller cancelled the call."))
    }
  }

  func wake() { onLoop { stream in stream.resumeSending() } }

  func credit(_ count: Int) {
    onLoop { stream in
      if case .open(let connection, let id) = stream.state { connection.credit(id, count) }
    }
  }

  private func onLoop(_ body: @escaping @Sendable (ClientStream) -> Void) {
    if loop.isCurrent { body(self) } else { loop.execute { body(self) } }
  }

  // MARK: Attempts (loop only)

  private func begin() {
    guard case .waiting = state else { return }
    channel.noteCall()
    if let deadline = deadlineNanoseconds {
      let now = loop.nowNanoseconds
      guard deadline > now else { return end(ClientStream.deadlineFault) }
      deadlineTimer = loop.schedule(after: .nanoseconds(Int64(min(deadline - now, 1 << 62)))) {
        [weak self] in self?.end(ClientStream.deadlineFault)
      }
    }
    channel.place(self)
  }

  /// No connection is ready: fails when patience ends.
  func startWaiting(_ giveUp: @escaping (ClientStream) -> Void) {
    guard case .upTo(let patience) = options.patience, patienceTimer == nil else { return }
    patienceTimer = loop.schedule(after: patience) { [weak self] in
      guard let self else { return }
      patienceTimer = nil
      giveUp(self)
    }
  }

  /// A connection took the call.
  func opened(on connection: ClientConnection, as id: Int32) {
    patienceTimer?.cancel()
    patienceTimer = nil
    attempts += 1
    state = .open(connection, id)
    deframer = MessageDeframer(messageBytesMax: method.responseBytesMax)
    isGzip = false
    hasHeaders = false
    status = nil
  }

  private func resumeSending() {
    if case .open(let connection, let id) = state { connection.wake(id) }
  }

  var isWaiting: Bool { if case .waiting = state { true } else { false } }

  /// Ends the call from this side, whatever its state.
  func end(_ fault: Fault) {
    switch state {
    case .over: return
    case .open(let connection, let id): connection.cancel(id)
    case .waiting, .resting: break
    }
    settle(fault, trailing: Metadata())
  }

  /// The attempt is over without our doing.
  ///
  /// `wasSeen` is false when the server certainly never ran it: then it is moved, not retried.
  func attemptEnded(_ fault: Fault, wasSeen: Bool) {
    guard case .open = state else { return }
    let canRepeat = replay != nil || !outbox.hasGivenBytes
    if !wasSeen, canRepeat, moves < channel.options.limits.movesMax {
      moves += 1
      return moveOn()
    }
    guard fault.code == .unavailable, options.retries, method.idempotency != .unknown,
      replay != nil, !sink.hasDelivered, attempts < channel.options.limits.attemptsMax,
      channel.takeRetry()
    else { return settle(localFault ?? fault, trailing: status?.trailing ?? Metadata()) }
    state = .resting
    let rest = Duration.milliseconds(5) * (1 << min(attempts, 6)) * Double.random(in: 0.5...1)
    restTimer = loop.schedule(after: rest) { [weak self] in self?.moveOn() }
  }

  private func moveOn() {
    restTimer = nil
    state = .waiting
    if let replay { outbox.restart(with: replay) }
    channel.place(self)
  }

  private func settle(_ fault: Fault?, trailing: Metadata) {
    state = .over
    deadlineTimer?.cancel()
    patienceTimer?.cancel()
    restTimer?.cancel()
    deadlineTimer = nil
    patienceTimer = nil
    restTimer = nil
    if let fault {
      outbox.close { fault }
    } else {
      outbox.close { ClientStream.overFault }
    }
    channel.settled(self, fault)
    sink.finished(fault, trailing: trailing)
  }

  private static var deadlineFault: Fault {
    Fault(.deadlineExceeded, reason: "DEADLINE", "The call's deadline passed.")
  }

  private static var overFault: Fault {
    Fault(.cancelled, reason: "CALL_OVER", "The call is over; nothing more can be sent.")
  }
}

// MARK: - Responses (loop only)

extension ClientStream {
  func receivedHeaders(_ headers: borrowing HeaderBlock, kind: HeaderKind, endsStream: Bool) {
    let head = ResponseReader(headers)
    if kind == .response, !endsStream || head.status == nil {
      if let fault = head.httpFault {
        localFault = fault
        return end(fault)
      }
      hasHeaders = true
      isGzip = head.isGzip
      sink.receivedHeaders(head.metadata)
    }
    if endsStream { status = head.status ?? (ResponseReader.missingStatus, Metadata()) }
  }

  func receivedData(_ bytes: RawSpan) -> Int {
    let sink = sink
    let isGzip = isGzip
    let limit = method.responseBytesMax
    var problem: (any Error)?
    do {
      try deframer.receive(bytes) { message, isCompressed in
        guard problem == nil else { return }
        do {
          if isCompressed {
            try MessageCompression.expand(message, isDeclared: isGzip, limit: limit) { bytes in
              try sink.receive(bytes, isCompressed: true)
            }
          } else {
            try sink.receive(message, isCompressed: false)
          }
        } catch {
          problem = error
        }
      }
    } catch {
      problem = error
    }
    if let problem {
      end(ClientStream.fault(ofResponse: problem))
      return bytes.byteCount
    }
    return sink.arrived(bytes.byteCount)
  }

  /// A response that cannot be read is the server's fault, never the caller's argument.
  private static func fault(ofResponse problem: any Error) -> Fault {
    var fault = ServerConnection.fault(of: problem)
    if fault.code == .invalidArgument {
      fault.code = .internal
      fault.reason = "MALFORMED_RESPONSE"
    }
    return fault
  }

  /// The server's last frame: its status counts, whatever we still had to send.
  func receivedEnd(from connection: ClientConnection, _ id: Int32) {
    guard case .open = state else { return }
    if outbox.isOpen { connection.cancel(id) }
    var verdict = status ?? (ResponseReader.missingStatus, Metadata())
    if verdict.fault == nil, !deframer.isBetweenMessages {
      verdict.fault = Fault(
        .internal, reason: "TRUNCATED_MESSAGE", "The response ended inside a message.")
    }
    connection.forget(id)
    guard let fault = verdict.fault else { return settle(nil, trailing: verdict.trailing) }
    status = verdict
    attemptEnded(fault, wasSeen: true)
  }
}
