import CUV
import Glibc

/// A Unix or TCP connection on a loop. `close()` ends it; without that it stays until the loop
/// stops, which closes it with `loopStopped`.
@safe package final class SocketStream: LoopResource, ByteStream {
  /// Which of libuv's stream types a descriptor needs.
  package enum Kind: Sendable { case unix, tcp }

  package private(set) var peer: PeerCredentials?
  package private(set) var label: String
  let kind: Kind

  private var owner: (any ByteStreamOwner)?
  private var state = State.opening
  private var closeError: EventLoopError?
  private var isReading = false
  private var hasStarted = false
  private var hasPeerEnded = false
  private var isFinishing = false
  /// Set when the kernel takes no more bytes: what the peer said before it went is still read.
  private var writeError: EventLoopError?
  private var hasShutDown = false
  /// What the kernel is taking, and what came meanwhile: one request in flight, one buffer
  /// behind it, however many writes there were.
  private var inFlight = WriteBuffer()
  private var pending = WriteBuffer()
  private var isWriting = false
  /// For the listener that counts its connections.
  var onClosed: (() -> Void)?

  private enum State { case opening, open, closing, closed }

  /// Initialises the handle; `open` or libuv's connect makes it a connection.
  init(kind: Kind, label: String, on loop: EventLoop) throws(EventLoopError) {
    guard !loop.isClosing else { throw .loopStopped }
    self.kind = kind
    self.label = label
    unsafe super.init(on: loop, handleByteCount: MemoryLayout<assay_stream>.size)
    let status: Int32
    switch kind {
    case .unix:
      status = unsafe uv_pipe_init(assay_uv_loop(loop.handles), assay_uv_pipe(handle), 0)
    case .tcp: status = unsafe uv_tcp_init(assay_uv_loop(loop.handles), assay_uv_tcp(handle))
    }
    guard status == 0 else { throw EventLoopError(system: status, "A stream could not be made") }
    opened()
  }

  /// Takes over a connected stream socket; on an error the descriptor is closed.
  package static func adopt(
    descriptor: Int32, kind: Kind, label: String? = nil, on loop: EventLoop
  ) throws(EventLoopError) -> SocketStream {
    var type: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0,
      type == Int32(SOCK_STREAM.rawValue)
    else {
      Glibc.close(descriptor)
      throw EventLoopError(.notASocket, "Descriptor \(descriptor) is not a stream socket")
    }
    return try adopt(ours: descriptor, kind: kind, label: label ?? "\(kind)", on: loop)
  }

  /// The same for a socket that came from our own `connect` or `accept`.
  static func adopt(
    ours descriptor: Int32, kind: Kind, label: String, on loop: EventLoop
  ) throws(EventLoopError) -> SocketStream {
    loop.assertCurrent()
    do throws(EventLoopError) {
      let stream = try SocketStream(kind: kind, label: label, on: loop)
      try stream.open(descriptor)
      return stream
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  private func open(_ descriptor: Int32) throws(EventLoopError) {
    let status: Int32
    switch kind {
    case .unix: status = unsafe uv_pipe_open(assay_uv_pipe(handle), descriptor)
    case .tcp: status = unsafe uv_tcp_open(assay_uv_tcp(handle), descriptor)
    }
    guard status == 0 else {
      close()
      throw EventLoopError(system: status, "The socket \(label) could not be opened")
    }
    becomeConnected()
  }

  /// The kernel has connected the handle.
  func becomeConnected() {
    state = .open
    var descriptor: Int32 = -1
    guard unsafe uv_fileno(assay_handle(handle), &descriptor) == 0 else { return }
    switch kind {
    case .unix:
      peer = PeerCredentials(of: descriptor)
    case .tcp:
      unsafe uv_tcp_nodelay(assay_uv_tcp(handle), 1)
      if let remote = RawAddress(of: descriptor, peer: true)?.socketAddress {
        label = remote.description
      }
    }
  }

  /// Only while the handle lives: `state` is not `closed`.
  var handle: UnsafeMutablePointer<assay_stream> {
    guard let memory = unsafe memory else { preconditionFailure("The stream is closed.") }
    return unsafe memory.assumingMemoryBound(to: assay_stream.self)
  }

  // MARK: Reading

  package func start(_ owner: any ByteStreamOwner) {
    loop.assertCurrent()
    precondition(!hasStarted, "A stream has one owner.")
    hasStarted = true
    switch state {
    case .closed:
      let error = closeError
      loop.later { owner.streamClosed(error) }
    case .closing, .opening:
      self.owner = owner
    case .open:
      self.owner = owner
      resumeReading()
    }
  }

  package func pauseReading() {
    loop.assertCurrent()
    guard isReading, writeError == nil else { return }
    isReading = false
    unsafe uv_read_stop(assay_uv_stream(handle))
  }

  package func resumeReading() {
    loop.assertCurrent()
    guard state == .open, hasStarted, !isReading, !hasPeerEnded else { return }
    isReading = true
    let status = unsafe uv_read_start(
      assay_uv_stream(handle),
      { handle, _, buffer in
        // The loop's one buffer: libuv reads and calls back before it asks for the next.
        guard let loop = unsafe handle?.pointee.loop, let buffer = unsafe buffer else { return }
        unsafe buffer.pointee.base = loop.pointee.data?.assumingMemoryBound(to: CChar.self)
        unsafe buffer.pointee.len = EventLoop.readBufferByteCount
      },
      { handle, count, buffer in
        guard let stream = unsafe SocketStream.of(handle?.pointee.data) else { return }
        unsafe stream.didRead(count, buffer?.pointee.base)
      })
    if status != 0 { close(EventLoopError(system: status, "Reading from \(label)")) }
  }

  private func didRead(_ count: Int, _ base: UnsafeMutablePointer<CChar>?) {
    if count > 0, let owner {
      owner.streamRead(unsafe UnsafeRawBufferPointer(start: base, count: count).bytes)
    } else if count < 0, let writeError {
      close(writeError)
    } else if count == Int(UV_EOF.rawValue) {
      isReading = false
      hasPeerEnded = true
      unsafe uv_read_stop(assay_uv_stream(handle))
      owner?.streamEnded()
    } else if count < 0 {
      close(EventLoopError(system: Int32(count), "Reading from \(label)"))
    }
  }

  // MARK: Writing

  package var queuedByteCount: Int {
    guard isWriting, state == .open else { return pending.count }
    return unsafe uv_stream_get_write_queue_size(assay_uv_stream(handle)) + pending.count
  }

  package func write(_ bytes: RawSpan) {
    loop.assertCurrent()
    guard state == .open, !isFinishing, writeError == nil, bytes.byteCount > 0 else { return }
    unsafe bytes.withUnsafeBytes { bytes in
      guard !isWriting else {
        return unsafe queue(bytes)
      }
      let taken = unsafe writeNow(bytes)
      guard taken >= 0 else {
        return failWriting(Int32(taken))
      }
      if taken < bytes.count {
        unsafe queue(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
      }
    }
  }

  /// How many bytes the kernel took at once; negative for an error.
  @inline(__always)
  private func writeNow(_ bytes: UnsafeRawBufferPointer) -> Int {
    let base = unsafe UnsafeMutablePointer(
      mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
    var buffer = unsafe uv_buf_t(base: base, len: bytes.count)
    let status = unsafe uv_try_write(assay_uv_stream(handle), &buffer, 1)
    return status == UV_EAGAIN.rawValue ? 0 : Int(status)
  }

  private func queue(_ bytes: UnsafeRawBufferPointer) {
    guard queuedByteCount + bytes.count <= loop.limits.writeQueueBytesMax else {
      return close(
        EventLoopError(
          .writeQueueFull,
          "\(label) takes too little: \(queuedByteCount) bytes are queued, the limit is "
            + "\(loop.limits.writeQueueBytesMax)"))
    }
    unsafe pending.append(bytes)
    if !isWriting { writePending() }
  }

  /// Hands all that is queued to libuv as one request.
  private func writePending() {
    isWriting = true
    swap(&inFlight, &pending)
    let bytes = unsafe inFlight.bytes
    var buffer = unsafe uv_buf_t(
      base: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
    let status = unsafe uv_write(
      assay_write_req(handle), assay_uv_stream(handle), &buffer, 1
    ) { request, status in
      guard let stream = unsafe SocketStream.of(request?.pointee.handle.pointee.data) else {
        return
      }
      stream.didWrite(status)
    }
    if status != 0 {
      isWriting = false
      failWriting(status)
    }
  }

  private func didWrite(_ status: Int32) {
    isWriting = false
    inFlight.removeAll()
    guard state == .open else { return }
    guard status == 0 else {
      return failWriting(status)
    }
    guard pending.count == 0 else { return writePending() }
    if isFinishing { shutDown() }
    owner?.streamDrained()
  }

  package func finishWriting() {
    loop.assertCurrent()
    guard state == .open, !isFinishing, writeError == nil else { return }
    isFinishing = true
    if !isWriting { shutDown() }
  }

  private func shutDown() {
    guard !hasShutDown else { return }
    hasShutDown = true
    // An error here means that the peer is gone already: reading tells the owner.
    unsafe uv_shutdown(assay_shutdown_req(handle), assay_uv_stream(handle)) { _, _ in }
  }

  // MARK: Closing

  package func close() { close(nil) }

  /// How long the last bytes of a peer that takes none any more are waited for.
  private static var lastBytesWait: Duration { .seconds(1) }

  /// The kernel takes no more. The peer may have said why before it went (a GOAWAY): that is
  /// read to its end first, then the stream closes with the error of the write.
  private func failWriting(_ status: Int32) {
    let error = EventLoopError(system: status, "Writing to \(label)")
    pending.removeAll()
    guard hasStarted, !hasPeerEnded else { return close(error) }
    writeError = error
    resumeReading()
    loop.schedule(after: Self.lastBytesWait) { [weak self] in self?.close(error) }
  }

  func close(_ error: EventLoopError?) {
    loop.assertCurrent()
    guard state == .open || state == .opening else { return }
    state = .closing
    closeError = error
    isReading = false
    pending.removeAll()
    closeHandle()
  }

  override func loopIsStopping() { close(.loopStopped) }

  override func handleClosed() {
    state = .closed
    let owner = owner.take()
    let onClosed = onClosed.take()
    onClosed?()
    owner?.streamClosed(closeError)
  }
}
