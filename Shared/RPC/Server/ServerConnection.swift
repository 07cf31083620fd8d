import EventLoop
import Faults
import GRPCFormat
import HTTP2
import RPCStream

/// One client's connection: its session, its streams, and the limits on both.
///
/// `@unchecked Sendable`: touched on its loop alone; it crosses only inside `loop.execute`.
final class ServerConnection: HTTP2SessionOwner, FrameConduitOwner, TurnEnding,
  @unchecked Sendable
{
  let loop: EventLoop
  let limits: ServerLimits
  let peer: PeerIdentity
  let label: String
  let server: ServerCore
  private var streams = StreamTable<ServerStream>()
  private var session: HTTP2Session?
  private(set) var conduit: FrameConduit?
  private var hasSettings = false
  private let acceptedAt: UInt64
  private var pingSentAt: UInt64?
  private var heldBytes = 0
  private var starts: StartQueue
  private var rooms: RoomQueue
  /// Whether `rooms` knows of any stream: nearly never, and cheaper to see than to ask it.
  private var isGrowing = false
  private var isDraining = false
  private(set) var isClosed = false

  init(_ stream: any ByteStream, server: ServerCore) throws {
    self.loop = server.loop
    self.limits = server.options.limits
    self.peer = server.options.callers.identity(of: stream.peer)
    self.label = stream.label
    self.server = server
    self.acceptedAt = loop.nowNanoseconds
    self.starts = StartQueue(
      unsentBytesMax: limits.connectionUnsentBytesMax, perTurnMax: limits.startsPerTurnMax)
    self.rooms = RoomQueue(
      heldBytesSoft: limits.connectionHeldBytesSoft, growingMax: limits.largeRequestsMax)
    let session = try HTTP2Session(side: .server, limits: limits.http2, owner: self)
    self.session = session
    self.conduit = FrameConduit(stream, session, owner: self, pausesReading: true)
  }

  func start() { conduit?.start() }

  // MARK: Requests

  func receivedHeaders(
    _ headers: borrowing HeaderBlock, on id: Int32, kind: HeaderKind, endsStream: Bool
  ) {
    guard kind == .request, let session else { return }
    if server.isPastNotice { return session.reset(id, .refusedStream) }
    var served: ServedMethod?
    var unknown = ""
    let head = RequestHead(headers) { path in
      served = server.methods.method(at: path)
      if served == nil { unknown = path.text }
    }
    var isTaken = false
    defer { if !isTaken, !endsStream { session.resetAfterEnd(id) } }
    guard head.isPost, head.isGRPC else {
      return refuseHTTP(id, status: head.isPost ? "415" : "405")
    }
    if let fault = head.fault { return refuse(id, fault) }
    if head.timeoutNanoseconds == 0 { return refuse(id, ServerConnection.deadlineFault) }
    guard let served else { return refuse(id, server.unknownMethod(unknown)) }
    let method = served.handler.descriptor
    guard peer.mayCall(method) else {
      server.refused(peer, method)
      return refuse(
        id,
        Fault(
          .permissionDenied, reason: "CALLER_NOT_ALLOWED",
          "\(peer.label) may not call \(method.path).", facts: ["method": method.path]))
    }
    let stream = ServerStream(id: id, head: head, served: served, connection: self)
    streams.insert(stream, for: id)
    isTaken = true
    server.callStarted()
    schedule(deadlineOf: stream)
    if stream.call.startsWithHeaders { run(stream) }
  }

  private func schedule(deadlineOf stream: ServerStream) {
    if let deadline = stream.deadlineNanoseconds {
      let now = loop.nowNanoseconds
      let rest = deadline > now ? deadline - now : 0
      stream.deadlineTimer = loop.schedule(after: .nanoseconds(Int64(min(rest, 1 << 62)))) {
        [weak self, weak stream] in
        guard let stream else { return }
        self?.end(stream, ServerConnection.deadlineFault)
      }
    }
  }

  func receivedData(_ bytes: RawSpan, on id: Int32) {
    guard let session else { return }
    // The connection's window is given back at once: a slow reader of one stream must not hold
    // up the others. What each stream may hold is bounded by its own window.
    session.creditConnection(bytes.byteCount)
    guard let stream = streams[id], !stream.isOver else {
      session.creditStream(id, bytes.byteCount)
      return
    }
    stream.lastDataAt = conduit?.lastRead ?? stream.lastDataAt
    do {
      try deliver(bytes, to: stream)
    } catch {
      end(stream, ServerConnection.fault(of: error))
    }
    let room = stream.call.arrived(bytes.byteCount)
    let isWhole = stream.deframer.isBetweenMessages
    if room > 0 {
      if !isWhole { isGrowing = true }
      if isWhole || rooms.mayGrow(id, by: room, held: heldBytes) {
        session.creditStream(id, room)
      }
    }
    if isWhole { letOthersGrow(after: id) }
  }

  private func deliver(_ bytes: RawSpan, to stream: ServerStream) throws {
    let call = stream.call
    let isGzip = stream.isRequestCompressed
    let limit = stream.method.requestBytesMax
    let heldBefore = stream.deframer.heldBytes
    defer { heldBytes += stream.deframer.heldBytes - heldBefore }
    if heldBytes > limits.connectionHeldBytesMax {
      throw Fault(
        .resourceExhausted, reason: "CONNECTION_BUFFER",
        "This connection holds too many unfinished requests.",
        facts: ["limit": "connection_held_bytes"])
    }
    var problem: (any Error)?
    try stream.deframer.receive(bytes) { message, isCompressed in
      guard problem == nil else { return }
      do {
        if isCompressed {
          try MessageCompression.expand(message, isDeclared: isGzip, limit: limit) { bytes in
            try call.receive(bytes, isCompressed: true)
          }
        } else {
          try call.receive(message, isCompressed: false)
        }
      } catch {
        problem = error
      }
    }
    if let problem { throw problem }
  }

  /// A request is whole or gone: others that wait for room may have it.
  private func letOthersGrow(after id: Int32) {
    guard isGrowing else { return }
    defer { isGrowing = !rooms.isIdle }
    rooms.finished(id)
    while let next = rooms.next(held: heldBytes) {
      if streams[next.stream] != nil {
        session?.creditStream(next.stream, next.bytes)
      } else {
        rooms.finished(next.stream)
      }
    }
  }

  func receivedEnd(on id: Int32) {
    guard let stream = streams[id], !stream.isOver else { return }
    stream.isRequestEnded = true
    do {
      guard stream.deframer.isBetweenMessages else {
        throw Fault(
          .internal, reason: "TRUNCATED_MESSAGE", "The request ended inside a message.")
      }
      try stream.call.requestEnded()
      if !stream.call.startsWithHeaders { run(stream) }
    } catch {
      end(stream, ServerConnection.fault(of: error))
    }
  }

  private func run(_ stream: ServerStream) {
    if starts.mayStart() {
      stream.task = server.run(stream)
    } else {
      starts.append(stream.id)
    }
    loop.atEndOfTurn(self)
  }

  /// Starts calls that waited, as far as the answers of others have been taken.
  func turnEnded() {
    guard starts.beginTurn() else { return }
    while let id = starts.next() {
      if let stream = streams[id], !stream.isOver { stream.task = server.run(stream) }
    }
    if starts.hasStartable { loop.atEndOfTurn(self) }
  }

  /// Counts what the stream has waiting for its peer.
  private func noteUnsent(_ stream: ServerStream, isGone: Bool = false) {
    let now = isGone ? 0 : stream.outbox.count
    guard now != stream.countedUnsent else { return }
    starts.changeUnsent(by: now - stream.countedUnsent)
    stream.countedUnsent = now
    if starts.hasStartable { loop.atEndOfTurn(self) }
  }

  // MARK: Answers

  /// A stream has something to send that the session does not know of.
  func wake(_ stream: ServerStream) {
    guard let session, stream.connection === self else { return }
    noteUnsent(stream)
    do {
      switch stream.takeHead() {
      case .alreadySent:
        session.resumeBody(of: stream.id)
      case .endsAtOnce(let initial):
        try session.submitResponse(
          StatusTrailers.only(stream.trailers(), initial: initial), on: stream.id, hasBody: false)
        if !stream.isRequestEnded { session.resetAfterEnd(stream.id) }
      case .head(let block):
        try session.submitResponse(block, on: stream.id, hasBody: true)
      }
    } catch {
      session.reset(stream.id, .internalError)
    }
    conduit?.schedule()
  }

  func fillBody(of id: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> BodyFill {
    guard let session, let stream = streams[id] else { return .fails }
    let fill = unsafe stream.fill(buffer, session)
    noteUnsent(stream)
    return fill
  }

  /// Ends a call from this side, before its handler is done.
  private func end(_ stream: ServerStream, _ fault: Fault) {
    report(fault)
    stream.call.abort(fault)
    stream.task?.cancel()
    stream.finish(fault)
  }

  /// A fault that names a limit is for this side's log as well.
  private func report(_ fault: Fault) {
    if let limit = fault.facts["limit"] { server.log(.limit, self, limit) }
  }

  /// Refuses a request that never became a call.
  private func refuse(_ id: Int32, _ fault: Fault) {
    report(fault)
    let trailers = StatusTrailers.block(fault: fault, metadata: Metadata())
    try? session?.submitResponse(
      StatusTrailers.only(trailers, initial: Metadata()), on: id, hasBody: false)
    conduit?.schedule()
  }

  /// Refuses what is not gRPC, in HTTP's own words.
  private func refuseHTTP(_ id: Int32, status: String) {
    var block = HeaderBlock()
    block.append(":status", status)
    try? session?.submitResponse(block, on: id, hasBody: false)
    conduit?.schedule()
  }

  func credit(_ stream: ServerStream, _ count: Int) {
    session?.creditStream(stream.id, count)
    conduit?.schedule()
  }

  // MARK: The end of streams and of the connection

  func streamClosed(_ id: Int32, code: HTTP2ErrorCode) {
    guard let stream = streams.remove(id) else { return }
    heldBytes -= stream.deframer.heldBytes
    letOthersGrow(after: id)
    noteUnsent(stream, isGone: true)
    stream.closed(.callerGone)
    server.callEnded(stream)
    if isDraining, streams.isEmpty { closeSoon() }
  }

  func requestNotSent(_ stream: Int32) {}
  func receivedSettings() { hasSettings = true }
  func receivedPingAcknowledgement(_ opaque: UInt64) { pingSentAt = nil }

  func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String) {
    if code != .noError { server.log(.peerLeft, self, "code \(code.rawValue) \(debug)") }
  }

  func conduitClosed(_ reason: String?) {
    guard !isClosed else { return }
    isClosed = true
    for stream in streams.values {
      stream.closed(.connectionLost)
      server.callEnded(stream)
    }
    streams.removeAll()
    server.connectionClosed(self, reason)
    session = nil
    conduit = nil
  }
}

extension ServerConnection {
  // MARK: Drain and supervision

  /// Tells the client to take new calls elsewhere; running ones go on.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    session?.announceShutdown()
    conduit?.schedule()
  }

  /// After the notice: nothing that comes now is taken.
  func finishDrain() {
    session?.goAway(.noError)
    conduit?.schedule()
    if streams.isEmpty { closeSoon() }
  }

  /// The drain's time is over: what still runs is cancelled with a status.
  func cancelCalls(_ fault: Fault) {
    for stream in streams.values { end(stream, fault) }
  }

  private func closeSoon() {
    guard isDraining, server.isPastNotice else { return }
    // The client reads our last word, then closes; the drain's own deadline stands behind it.
    conduit?.finish()
  }

  func close(_ reason: String) { conduit?.close(reason) }

  /// Looks for what time has made wrong; called about once a second.
  func inspect(at now: UInt64) {
    guard let conduit, !conduit.isClosed else { return }
    if !hasSettings, now - acceptedAt > limits.handshakeTimeout.wholeNanoseconds {
      return cut("handshake_timeout")
    }
    if let began = session?.blockBeganAt, now > began,
      now - began > limits.headerTimeout.wholeNanoseconds
    {
      return cut("header_timeout")
    }
    if conduit.unsentBytes > 0,
      now > conduit.lastWriteProgress,
      now - conduit.lastWriteProgress > limits.writeStallTimeout.wholeNanoseconds
    {
      return cut("write_stall")
    }
    for stream in streams.values
    where !stream.isRequestEnded && !stream.call.startsWithHeaders
      && !rooms.isWaiting(stream.id)
      && now - stream.lastDataAt > limits.requestTimeout.wholeNanoseconds
    {
      end(
        stream,
        Fault(
          .deadlineExceeded, reason: "REQUEST_TIMEOUT", "The request did not arrive in time.",
          facts: ["limit": "request_timeout"]))
    }
    keepAlive(at: now, conduit)
  }

  private func keepAlive(at now: UInt64, _ conduit: FrameConduit) {
    if let sent = pingSentAt {
      if now - sent > limits.keepaliveTimeout.wholeNanoseconds { cut("keepalive") }
    } else if now - conduit.lastRead > limits.keepaliveInterval.wholeNanoseconds {
      pingSentAt = now
      session?.ping(now)
      conduit.schedule()
    }
  }

  private func cut(_ limit: String) {
    server.log(.limit, self, limit)
    session?.goAway(.enhanceYourCalm)
    conduit?.close("limit \(limit)")
  }
}
