/// One end of a pair of streams within this process, each end on a loop of its own.
///
/// It behaves as a Unix socket does: bytes written before a close still arrive, a slow reader
/// makes the writer's `queuedByteCount` grow once `capacityByteCount` are on their way.
@safe package final class MemoryStream: LoopResource, ByteStream, @unchecked Sendable {
  // Sendable because every method begins with `assertCurrent` of the end's own loop, and the
  // ends speak to each other through `execute` alone.

  /// Bytes that may be on their way to a reader who has not taken them.
  package static let capacityByteCount = 256 << 10

  package let peer: PeerCredentials? = .own
  package let label = "memory"

  private var other: MemoryStream?
  private var owner: (any ByteStreamOwner)?
  private var state = State.open
  private var closeError: EventLoopError?

  // Reading.
  private var arrived = Ring<[UInt8]>()
  private var isReading = false
  private var hasStarted = false
  private var hasOtherEnded = false
  private var hasToldEnd = false

  // Writing.
  private var credit = MemoryStream.capacityByteCount
  private var pending = WriteBuffer()
  private var sentOfPending = 0
  private var isFinishing = false
  private var hasShutDown = false
  private var hasOtherClosed = false
  private var writeError: EventLoopError?

  private enum State { case open, closing, closed }

  /// Two ends, the first for `a`, the second for `b`; any thread.
  package static func pair(_ a: EventLoop, _ b: EventLoop) -> (MemoryStream, MemoryStream) {
    let (first, second) = (MemoryStream(on: a), MemoryStream(on: b))
    first.other = second
    second.other = first
    return (first, second)
  }

  private init(on loop: EventLoop) { super.init(on: loop) }

  /// Runs `body` with the other end, on its loop.
  private func tell(_ body: @escaping @Sendable (MemoryStream) -> Void) {
    guard let other else { return }
    other.loop.execute { body(other) }
  }

  // MARK: Reading

  package func start(_ owner: any ByteStreamOwner) {
    loop.assertCurrent()
    precondition(!hasStarted, "A stream has one owner.")
    hasStarted = true
    self.owner = owner
    guard state != .closed else { return loop.later { self.tellClosed() } }
    opened()
    if loop.isClosing { close(.loopStopped) }
    resumeReading()
  }

  package func pauseReading() {
    loop.assertCurrent()
    isReading = false
  }

  package func resumeReading() {
    loop.assertCurrent()
    guard state == .open, hasStarted, !isReading else { return }
    isReading = true
    loop.later { self.deliver() }
  }

  private func receive(_ bytes: [UInt8]) {
    guard state == .open else { return }
    arrived.append(bytes)
    deliver()
  }

  private func deliver() {
    while state == .open, isReading || writeError != nil, let bytes = arrived.popFirst() {
      unsafe owner?.streamRead(bytes.span.bytes)
      let count = bytes.count
      tell { $0.otherTook(count) }
    }
    guard state == .open, arrived.isEmpty else { return }
    if let writeError { return close(writeError) }
    guard isReading, hasOtherEnded, !hasToldEnd else { return }
    hasToldEnd = true
    owner?.streamEnded()
  }

  private func otherFinished() {
    hasOtherEnded = true
    deliver()
  }

  // MARK: Writing

  package var queuedByteCount: Int { pending.count - sentOfPending }

  package func write(_ bytes: RawSpan) {
    loop.assertCurrent()
    guard state == .open, !isFinishing, writeError == nil, bytes.byteCount > 0 else { return }
    guard !hasOtherClosed else { return failWriting() }
    let queued = queuedByteCount
    guard queued + bytes.byteCount <= loop.limits.writeQueueBytesMax else {
      return close(
        EventLoopError(.writeQueueFull, "\(label) takes too little: \(queued) bytes are queued"))
    }
    unsafe bytes.withUnsafeBytes { bytes in
      let count = queued == 0 ? min(credit, bytes.count) : 0
      if count > 0 { unsafe send(Array(bytes[..<count])) }
      if count < bytes.count {
        unsafe pending.append(UnsafeRawBufferPointer(rebasing: bytes[count...]))
      }
    }
  }

  private func send(_ bytes: [UInt8]) {
    credit -= bytes.count
    tell { $0.receive(bytes) }
  }

  private func otherTook(_ count: Int) {
    credit += count
    guard state == .open, queuedByteCount > 0 else { return }
    let end = sentOfPending + min(credit, queuedByteCount)
    unsafe send(Array(pending.bytes[sentOfPending..<end]))
    sentOfPending = end
    guard queuedByteCount == 0 else { return }
    dropPending()
    if isFinishing { shutDown() }
    owner?.streamDrained()
  }

  package func finishWriting() {
    loop.assertCurrent()
    guard state == .open, !isFinishing else { return }
    isFinishing = true
    if queuedByteCount == 0 { shutDown() }
  }

  private func dropPending() {
    pending.removeAll()
    sentOfPending = 0
  }

  private func shutDown() {
    guard !hasShutDown else { return }
    hasShutDown = true
    tell { $0.otherFinished() }
  }

  private func otherClosed() {
    hasOtherClosed = true
    hasOtherEnded = true
    other = nil
    if queuedByteCount > 0 { failWriting() }
    deliver()
  }

  /// The other end is gone. What it said before is still read, then the stream closes.
  private func failWriting() {
    guard state == .open, writeError == nil else { return }
    dropPending()
    writeError = EventLoopError(.brokenPipe, "Writing to \(label): the other end is closed")
    loop.later { self.deliver() }
  }

  // MARK: Closing

  package func close() { close(nil) }

  private func close(_ error: EventLoopError?) {
    loop.assertCurrent()
    guard state == .open else { return }
    state = .closing
    closeError = error
    isReading = false
    dropPending()
    tell { $0.otherClosed() }
    other = nil
    loop.later { self.becomeClosed() }
  }

  override func loopIsStopping() { close(.loopStopped) }

  private func becomeClosed() {
    state = .closed
    forgotten()
    tellClosed()
  }

  private func tellClosed() {
    let owner = owner.take()
    owner?.streamClosed(closeError)
  }
}
