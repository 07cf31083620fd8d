import EventLoop
import Faults
import GRPCFormat
import HTTP2
import RPCStream

/// What a connection tells the channel that owns it.
protocol ClientConnectionOwner: AnyObject {
  /// The server's SETTINGS arrived: calls may go.
  func connectionReady(_ connection: ClientConnection)
  /// The server wants no new calls; running ones go on.
  func connectionDraining(_ connection: ClientConnection)
  /// The last word.
  func connectionClosed(_ connection: ClientConnection, _ reason: String)
}

/// One connection to one server and the calls on it.
///
/// `@unchecked Sendable`: touched on the channel's loop alone; it crosses only inside
/// `loop.execute`.
final class ClientConnection: HTTP2SessionOwner, FrameConduitOwner, @unchecked Sendable {
  let loop: EventLoop
  private let limits: ChannelLimits
  private let owner: any ClientConnectionOwner
  private var session: HTTP2Session?
  private var conduit: FrameConduit?
  private var streams = StreamTable<ClientStream>()
  private var unsent: Set<Int32> = []
  private var watch: LoopTimer?
  private var pingSentAt: UInt64?
  private let openedAt: UInt64
  private(set) var isReady = false
  private(set) var isDraining = false
  private var isClosed = false

  init(
    _ stream: any ByteStream, limits: ChannelLimits, owner: any ClientConnectionOwner
  ) throws {
    self.loop = stream.loop
    self.limits = limits
    self.owner = owner
    self.openedAt = stream.loop.nowNanoseconds
    let session = try HTTP2Session(side: .client, limits: limits.http2, owner: self)
    self.session = session
    self.conduit = FrameConduit(stream, session, owner: self, pausesReading: false)
  }

  var activeCalls: Int { streams.count }

  func start() {
    conduit?.start()
    watchLater(after: limits.handshakeTimeout)
  }

  // MARK: Calls

  /// Sends the call's headers and lets its outbox be asked for the body.
  func open(_ stream: ClientStream, _ headers: HeaderBlock) {
    guard let session, let id = try? session.submitRequest(headers, hasBody: true) else {
      return stream.attemptEnded(ClientConnection.lost("it refused a new stream"), wasSeen: false)
    }
    streams.insert(stream, for: id)
    stream.opened(on: self, as: id)
    conduit?.schedule()
    if watch == nil { watchLater(after: limits.keepaliveInterval) }
  }

  func wake(_ id: Int32) {
    session?.resumeBody(of: id)
    conduit?.schedule()
  }

  func credit(_ id: Int32, _ count: Int) {
    session?.creditStream(id, count)
    conduit?.schedule()
  }

  /// Resets the stream; nothing of it is heard any more.
  func cancel(_ id: Int32) {
    session?.reset(id, .cancel)
    forget(id)
    conduit?.schedule()
  }

  func forget(_ id: Int32) {
    _ = streams.remove(id)
    closeIfDrained()
  }

  /// No new calls here; closes when the running ones are done.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    closeIfDrained()
  }

  func close(_ reason: String) { conduit?.close(reason) }

  private func closeIfDrained() {
    guard isDraining, streams.isEmpty, !isClosed else { return }
    session?.goAway(.noError)
    conduit?.schedule()
    loop.execute { [weak self] in
      guard let self, streams.isEmpty else { return }
      conduit?.close("drained")
    }
  }

  // MARK: HTTP2SessionOwner

  func receivedHeaders(
    _ headers: borrowing HeaderBlock, on id: Int32, kind: HeaderKind, endsStream: Bool
  ) {
    streams[id]?.receivedHeaders(headers, kind: kind, endsStream: endsStream)
  }

  func receivedData(_ bytes: RawSpan, on id: Int32) {
    session?.creditConnection(bytes.byteCount)
    let room = streams[id]?.receivedData(bytes) ?? bytes.byteCount
    if room > 0 { session?.creditStream(id, room) }
  }

  func receivedEnd(on id: Int32) {
    streams[id]?.receivedEnd(from: self, id)
  }

  func streamClosed(_ id: Int32, code: HTTP2ErrorCode) {
    guard let stream = streams.remove(id) else {
      if !unsent.isEmpty { unsent.remove(id) }
      return closeIfDrained()
    }
    let wasSeen = unsent.remove(id) == nil && code != .refusedStream
    stream.attemptEnded(ClientConnection.fault(for: code), wasSeen: wasSeen)
    closeIfDrained()
  }

  func requestNotSent(_ stream: Int32) { unsent.insert(stream) }

  func receivedSettings() {
    guard !isReady else { return }
    isReady = true
    watch?.cancel()
    watch = nil
    owner.connectionReady(self)
  }

  func receivedPingAcknowledgement(_ opaque: UInt64) { pingSentAt = nil }

  func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String) {
    let wasDraining = isDraining
    isDraining = true
    if !wasDraining { owner.connectionDraining(self) }
    closeIfDrained()
  }

  func fillBody(of id: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> BodyFill {
    guard let stream = streams[id] else { return .fails }
    return unsafe stream.outbox.take(into: buffer)
  }

  func conduitClosed(_ reason: String?) {
    guard !isClosed else { return }
    isClosed = true
    watch?.cancel()
    watch = nil
    let orphans = streams.values
    streams.removeAll()
    session = nil
    conduit = nil
    let reason = reason ?? "the connection was closed"
    owner.connectionClosed(self, reason)
    for stream in orphans {
      stream.attemptEnded(ClientConnection.lost(reason), wasSeen: isReady)
    }
  }

  // MARK: Signs of life

  private func watchLater(after rest: Duration) {
    watch = loop.schedule(after: rest) { [weak self] in
      guard let self else { return }
      watch = nil
      look()
    }
  }

  private func look() {
    guard let conduit else { return }
    let now = loop.nowNanoseconds
    guard isReady else { return conduit.close("no HTTP/2 settings within the handshake limit") }
    if let sent = pingSentAt, now - sent >= limits.keepaliveTimeout.wholeNanoseconds {
      return conduit.close("no answer to a ping within the keepalive limit")
    }
    guard !streams.isEmpty else { return }
    let quiet = now > conduit.lastRead ? now - conduit.lastRead : 0
    if pingSentAt == nil, quiet >= limits.keepaliveInterval.wholeNanoseconds {
      pingSentAt = now
      session?.ping(now)
      conduit.schedule()
    }
    watchLater(
      after: pingSentAt == nil ? limits.keepaliveInterval : limits.keepaliveTimeout)
  }

  // MARK: Faults

  static func lost(_ reason: String) -> Fault {
    Fault(
      .unavailable, reason: "CONNECTION_LOST", "The connection to the server broke: \(reason).")
  }

  /// gRPC's mapping of HTTP/2 codes for streams that ended without a status.
  private static func fault(for code: HTTP2ErrorCode) -> Fault {
    let kind: Fault.Code =
      switch code {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case .inadequateSecurity: .permissionDenied
      default: .internal
      }
    return Fault(
      kind, reason: "STREAM_RESET", "The server reset the stream with code \(code.rawValue).",
      facts: ["http2_code": String(code.rawValue)])
  }
}
