import EventLoop

/// One connection, one request after another. It hands out raw control, so that faults can break
/// every rule that HTTP has; what it does by itself is strict.
final class HTTPConnection: ByteStreamOwner {
  private let stream: SocketStream
  private let limits: HTTPLimits
  private let handle: (HTTPRequest, HTTPConnection) -> Void
  private let onClosed: (HTTPConnection) -> Void
  private var parser: HTTPParser
  private var isBusy = false
  private var isAdvancing = false
  private var isDiscarding = false
  private var hasEnded = false
  private var isClosed = false
  private var isPaused = false
  /// Bytes that are made while the peer takes them, and what comes behind them.
  private var source: (() -> [UInt8]?)?
  private var afterSource: (() -> Void)?
  private var closesWhenDrained = false

  /// Told once when the client has gone before its answer was whole.
  var onGone: (() -> Void)?

  /// Bytes of a source that may wait for the peer.
  private static let waitingMax = 1 << 20
  /// How long a peer may go on sending to a server that has said all it will.
  private static let lingerDuration = Duration.seconds(2)

  init(
    _ stream: SocketStream, limits: HTTPLimits,
    handle: @escaping (HTTPRequest, HTTPConnection) -> Void,
    onClosed: @escaping (HTTPConnection) -> Void
  ) {
    self.stream = stream
    self.limits = limits
    self.handle = handle
    self.onClosed = onClosed
    parser = HTTPParser(limits: limits)
    stream.start(self)
  }

  // MARK: - From the stream

  func streamRead(_ bytes: RawSpan) {
    guard !isDiscarding else { return }
    parser.append(bytes)
    if isBusy {
      guard parser.waitingByteCount > limits.waitingBytesMax, !isPaused else { return }
      isPaused = true
      stream.pauseReading()
    } else {
      advance()
    }
  }

  func streamEnded() {
    hasEnded = true
    guard isBusy, !isDiscarding else { return close() }
    // Half-closed, or gone: a write will tell. Who waits for a stream is told at once.
    let gone = onGone.take()
    gone?()
  }

  func streamDrained() {
    if source != nil {
      pump()
    } else if closesWhenDrained {
      stream.close()
    }
  }

  func streamClosed(_ error: EventLoopError?) {
    isClosed = true
    source = nil
    afterSource = nil
    let gone = onGone.take()
    gone?()
    onClosed(self)
  }

  private func advance() {
    guard !isAdvancing else { return }
    isAdvancing = true
    defer { isAdvancing = false }
    while !isBusy, !isClosed, !isDiscarding {
      switch parser.next() {
      case .more: return
      case .wantsContinue: write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
      case .request(let request):
        isBusy = true
        handle(request, self)
      case .refused(let status, let why):
        var answer = HTTPAnswer(status: status)
        answer.contentType = "text/plain"
        answer.body = Array((why + "\n").utf8)
        isBusy = true
        write(answer.bytes(isKeptAlive: false))
        finish(isKeptAlive: false)
      }
    }
  }

  // MARK: - For who answers

  func write(_ bytes: [UInt8]) { stream.write(bytes) }

  /// Writes what `next` makes as the peer takes it, then calls `done`.
  func write(from next: @escaping () -> [UInt8]?, then done: @escaping () -> Void) {
    source = next
    afterSource = done
    pump()
  }

  private func pump() {
    while !isClosed, let next = source, stream.queuedByteCount < Self.waitingMax {
      guard let bytes = next() else {
        source = nil
        let done = afterSource.take()
        done?()
        return
      }
      stream.write(bytes)
    }
  }

  /// The answer is whole: on to the next request, or to the end.
  func finish(isKeptAlive: Bool) {
    onGone = nil
    guard isKeptAlive, !hasEnded else { return endGently() }
    isBusy = false
    if isPaused {
      isPaused = false
      stream.resumeReading()
    }
    advance()
  }

  /// Writes no more, and reads for a while so that the peer sees the answer before the close.
  private func endGently() {
    isDiscarding = true
    stream.finishWriting()
    guard !hasEnded else { return closeWhenDrained() }
    stream.loop.schedule(after: Self.lingerDuration) { [weak self] in self?.close() }
  }

  /// Stops writing and stays, reading.
  func halfClose() {
    isDiscarding = true
    onGone = nil
    stream.finishWriting()
  }

  /// Reads on and says nothing more.
  func fallSilent() {
    isDiscarding = true
    onGone = nil
  }

  /// Closes once what was written has left.
  func closeWhenDrained() {
    onGone = nil
    if stream.queuedByteCount == 0 { stream.close() } else { closesWhenDrained = true }
  }

  func close() { stream.close() }

  func reset() {
    onGone = nil
    stream.reset()
  }
}
