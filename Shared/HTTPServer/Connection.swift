import CMicroHTTPD
import EventLoop
import Glibc

/// One connection as we see it: what its request waits for, since when, and who is behind it.
///
/// The library owns the socket. Everything here belongs to the loop's thread.
@safe final class Connection {
  /// What the clock runs against.
  enum Phase {
    /// For a request; `hasBytes` once some of it has come.
    case head(hasBytes: Bool)
    case body
    /// The handler: no limit of ours.
    case handler
    /// The client takes the answer.
    case answer
  }

  let core: ServerCore
  let daemon: Daemon
  let descriptor: Int32
  let peer: HTTPPeer
  /// Tells this connection from others that had its descriptor before.
  let key: UInt64

  /// The library's; nil before it has taken the socket over, and after its end.
  var handle: OpaquePointer?
  private(set) var phase = Phase.head(hasBytes: true)
  private(set) var phaseBegan: UInt64
  var exchange: Exchange?
  private(set) var isSuspended = false
  /// Whether the watch for the peer's end also waits for bytes.
  private var isWatchedForBytes = false
  private var hasPeerEnded = false
  /// How often the library must still be made to read, to see that the peer has ended.
  private var readsOwed = 0
  /// The target as it came, until the rest of the head is there.
  private var target: [UInt8] = []
  private var hasTarget = false
  /// Nothing more is taken or given: the library hears so at its next call.
  private(set) var isAbandoned = false
  /// Whether unread bytes of the peer must be read before the socket closes.
  var lingers = false
  /// Of the body, since the clock was last set.
  var bodyCountAtBegin = 0

  init(_ descriptor: Int32, peer: HTTPPeer, key: UInt64, daemon: Daemon) {
    self.descriptor = descriptor
    self.peer = peer
    self.key = key
    self.daemon = daemon
    core = daemon.core
    phaseBegan = core.loop.nowNanoseconds
  }

  func enter(_ phase: Phase) {
    self.phase = phase
    phaseBegan = core.loop.nowNanoseconds
  }

  // MARK: The library's calls

  /// The request line is there; its target must be copied before it is taken apart.
  func read(target text: UnsafePointer<CChar>?) {
    target.removeAll()
    hasTarget = unsafe text != nil
    guard let text = unsafe text else { return }
    unsafe target.append(contentsOf: UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }

  /// The target, once.
  func takeTarget() -> [UInt8]? {
    guard hasTarget else { return nil }
    hasTarget = false
    return target
  }

  /// The library is done with the request; `isComplete` when the answer went out whole.
  func requestCompleted(isComplete: Bool) {
    exchange?.detach(isComplete: isComplete && exchange?.hasWholeAnswer == true)
    exchange = nil
    bodyCountAtBegin = 0
    enter(.head(hasBytes: false))
    oweReads()
    if core.isDraining { cut() }
  }

  /// The library will close the socket now.
  func closed() {
    unsafe handle = nil
    exchange?.detach(isComplete: false)
    exchange = nil
    if lingers { core.linger(descriptor) }
    core.connectionClosed(self)
  }

  // MARK: Suspending

  func suspend() {
    guard !isSuspended, let handle = unsafe handle else { return }
    isSuspended = true
    unsafe MHD_suspend_connection(handle)
  }

  /// Something has changed that a suspended request waits for.
  func wake() {
    guard isSuspended, let handle = unsafe handle else { return }
    isSuspended = false
    unsafe MHD_resume_connection(handle)
    daemon.schedule()
    oweReads()
  }

  // MARK: The peer's end

  func watchForEnd() { core.watch?.add(self, isNew: true, forBytes: false) }

  private func watch(forBytes: Bool) {
    guard forBytes != isWatchedForBytes else { return }
    isWatchedForBytes = forBytes
    core.watch?.add(self, isNew: false, forBytes: forBytes)
  }

  /// Bytes have come that the library reads by itself.
  func bytesArrived() {
    if case .head(hasBytes: false) = phase { enter(.head(hasBytes: true)) }
    // Told once is enough: a busy connection must not wake this watch as well.
    watch(forBytes: false)
  }

  /// Whether no request has begun, as far as can be seen.
  var isIdle: Bool {
    if case .head = phase { !hasTarget } else { false }
  }

  /// The peer has ended its side.
  func peerEnded(isCut: Bool) {
    hasPeerEnded = true
    guard isSuspended else { return oweReads() }
    exchange?.peerLeft()
    if isCut { return abandon() }
    if case .stream? = exchange?.answer { abandon() }
  }

  /// The library takes a read of less than it asked for as the last there is, and is told of
  /// bytes and of the peer's end by one event when both come together: then it misses the end.
  /// So after an end it reads twice more whenever it listens: the bytes, then the end.
  private func oweReads() {
    guard hasPeerEnded else { return }
    readsOwed = 2
    daemon.read(self)
  }

  /// Makes the library read once; true when it must again. Not from within its callbacks.
  func readOnce() -> Bool {
    guard readsOwed > 0, !isSuspended, let handle = unsafe handle else { return false }
    readsOwed -= 1
    // A resumed connection counts as readable.
    unsafe MHD_suspend_connection(handle)
    unsafe MHD_resume_connection(handle)
    return readsOwed > 0
  }

  /// Ends the connection without another word.
  func cut() {
    guard unsafe handle != nil else { return }
    if isSuspended { abandon() } else { Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  private func abandon() {
    isAbandoned = true
    wake()
  }

  /// Lets a stopping library have its connection back.
  func release() {
    isAbandoned = true
    wake()
  }

  /// Says what is wrong past the library, which cannot answer in this state, and closes.
  func refuseAbruptly(_ refusal: HTTPRefusal) {
    core.report(.refused(refusal), peer)
    RawAnswer.send(core.errorBody(refusal, exchange?.head), to: descriptor)
    lingers = true
    isAbandoned = true
  }

  // MARK: The clock

  /// Looked at once a second.
  func inspect(at now: UInt64) {
    let waited = Duration.nanoseconds(Int64(clamping: now &- min(phaseBegan, now)))
    let limits = core.limits
    switch phase {
    case .head(hasBytes: false):
      if waited >= limits.idleTimeout { return cut() }
      // Only for those that have been idle for a while: the others cost no system call.
      if waited >= .seconds(1) { watch(forBytes: true) }
    case .head(hasBytes: true):
      if waited >= limits.headerTimeout { timeOut() }
    case .body where !isSuspended:
      let count = (exchange?.receivedCount ?? 0) - bodyCountAtBegin
      let won = Duration.seconds(count / max(1, limits.bodyBytesPerSecondMin))
      if waited >= limits.bodyTimeout + won { timeOut() }
    case .answer where !isSuspended:
      if waited >= limits.stalledWriteTimeout {
        core.report(.stalledClient, peer)
        exchange?.peerLeft()
        cut()
      }
    case .body, .answer, .handler: break
    }
  }

  /// A connection on which no request line has come is closed without a word.
  private func timeOut() {
    guard !isIdle else { return cut() }
    refuseAbruptly(.requestTimeout)
    exchange?.peerLeft()
    Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
  }
}

extension Exchange {
  /// Whether the answer's body is not sent, whatever is written.
  var isHeadOnly: Bool {
    if head.method == .head { return true }
    guard case .stream(_, let status, _) = answer else { return false }
    return status == 204 || status == 304
  }

  /// Whether the answer is one that the library could send to its end.
  var hasWholeAnswer: Bool {
    switch answer {
    case .none: false
    case .whole: true
    case .stream(let stream, _, _): stream.ending == .finished || isHeadOnly
    }
  }
}

extension Connection {
  /// What the watch saw on our descriptor.
  func peerSaid(_ events: UInt32) {
    if assay_is_bytes(events) != 0 { bytesArrived() }
    if assay_is_end(events) != 0 { peerEnded(isCut: assay_is_cut(events) != 0) }
  }
}
