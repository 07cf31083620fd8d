import EventLoop

/// What a handler has written and the library has not yet taken.
///
/// `@unchecked Sendable`: touched on the loop's thread only.
final class StreamBuffer: @unchecked Sendable {
  enum Ending: Equatable { case open, finished, cut }

  private let bytesMax: Int
  private var chunks: [[UInt8]] = []
  private var head = 0
  private var offset = 0
  private(set) var byteCount = 0
  private(set) var ending = Ending.open
  private var waiting: [UInt64: CheckedContinuation<HTTPConnectionError?, Never>] = [:]
  private var lastKey: UInt64 = 0
  /// Whether the head was pushed out, though no body follows yet.
  var hasFlushedHead = false

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  var hasRoom: Bool { byteCount <= bytesMax }

  func append(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    chunks.append(bytes)
    byteCount += bytes.count
  }

  /// Moves what fits into `buffer`; wakes writers once there is room.
  func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    while head < chunks.count, filled < buffer.count {
      let count = min(chunks[head].count - offset, buffer.count - filled)
      unsafe chunks[head].withUnsafeBytes { chunk in
        unsafe buffer[filled..<(filled + count)].copyBytes(from: chunk[offset..<(offset + count)])
      }
      filled += count
      offset += count
      if offset == chunks[head].count { dropFirst() }
    }
    byteCount -= filled
    if hasRoom { wake(nil) }
    return filled
  }

  private func dropFirst() {
    chunks[head] = []
    offset = 0
    head += 1
    guard head == chunks.count else { return }
    chunks.removeAll(keepingCapacity: chunks.count <= 16)
    head = 0
  }

  func finish() {
    if ending == .open { ending = .finished }
    wake(.alreadyAnswered)
  }

  /// Nothing more can be sent, or will be.
  func cut() {
    ending = .cut
    chunks = []
    head = 0
    offset = 0
    byteCount = 0
    wake(.clientGone)
  }

  private func wake(_ error: HTTPConnectionError?) {
    guard !waiting.isEmpty else { return }
    let woken = waiting
    waiting = [:]
    for waiter in woken.values { waiter.resume(returning: error) }
  }

  /// Returns when less than the bound waits; throws when nothing will be taken any more.
  func waitForRoom(on loop: EventLoop) async throws(HTTPConnectionError) {
    let key = await loop.value { self.nextKey() }
    let error = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        loop.here { self.park(continuation, key) }
        if Task.isCancelled { loop.here { self.cancel(key) } }
      }
    } onCancel: {
      loop.execute { self.cancel(key) }
    }
    if let error { throw error }
  }

  private func nextKey() -> UInt64 {
    lastKey += 1
    return lastKey
  }

  private func park(
    _ continuation: CheckedContinuation<HTTPConnectionError?, Never>, _ key: UInt64
  ) {
    switch ending {
    case .cut: continuation.resume(returning: .clientGone)
    case .finished: continuation.resume(returning: .alreadyAnswered)
    case .open where hasRoom: continuation.resume(returning: nil)
    case .open: waiting[key] = continuation
    }
  }

  private func cancel(_ key: UInt64) {
    waiting.removeValue(forKey: key)?.resume(returning: .cancelled)
  }
}

extension EventLoop {
  /// Runs `body` now on the loop's own thread, and later from any other.
  func here(_ body: @escaping @Sendable () -> Void) {
    isCurrent ? body() : execute(body)
  }

  /// What `body` answers on the loop; at once when this is its thread.
  func value<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    if isCurrent { return body() }
    return await withCheckedContinuation { continuation in
      execute { continuation.resume(returning: body()) }
    }
  }
}
