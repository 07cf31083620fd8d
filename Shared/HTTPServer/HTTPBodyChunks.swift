import EventLoop

/// A request's body as it comes, read once, by one task. While the reader is slow the client is
/// made to wait.
package struct HTTPBodyChunks: AsyncSequence, Sendable {
  package typealias Element = [UInt8]
  package typealias Failure = HTTPConnectionError

  let queue: ChunkQueue

  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }

  package struct AsyncIterator: AsyncIteratorProtocol {
    let queue: ChunkQueue

    package mutating func next() async throws(HTTPConnectionError) -> [UInt8]? {
      try await queue.next()
    }

    package mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPConnectionError) -> [UInt8]? {
      try await queue.next()
    }
  }
}

/// What has come of a body and was not yet read.
///
/// `@unchecked Sendable`: touched on the loop's thread only.
final class ChunkQueue: @unchecked Sendable {
  typealias Outcome = Result<[UInt8]?, HTTPConnectionError>

  private let loop: EventLoop
  private let bytesMax: Int
  private var pending: [UInt8] = []
  private var ending: Outcome?
  private var waiter: CheckedContinuation<Outcome, Never>?
  /// Told when the reader has made room after there was none.
  var onRoom: (() -> Void)?
  /// Told how the bytes held here change.
  var onHeld: ((Int) -> Void)?

  init(bytesMax: Int, on loop: EventLoop) {
    self.bytesMax = bytesMax
    self.loop = loop
  }

  var hasRoom: Bool { pending.count < bytesMax }

  func push(_ bytes: UnsafeRawBufferPointer) {
    guard ending == nil else { return }
    if let waiter = waiter.take() {
      return waiter.resume(returning: .success(unsafe Array(bytes)))
    }
    unsafe pending.append(contentsOf: bytes)
    onHeld?(bytes.count)
  }

  /// No more will come: the body is whole, or `error` says why not.
  func end(_ error: HTTPConnectionError? = nil) {
    guard ending == nil else { return }
    let ending: Outcome = error.map { .failure($0) } ?? .success(nil)
    self.ending = ending
    onRoom = nil
    waiter.take()?.resume(returning: ending)
  }

  func next() async throws(HTTPConnectionError) -> [UInt8]? {
    let outcome: Outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        loop.here { self.park(continuation) }
        if Task.isCancelled { loop.here { self.cancel() } }
      }
    } onCancel: {
      loop.execute { self.cancel() }
    }
    return try outcome.get()
  }

  private func park(_ continuation: CheckedContinuation<Outcome, Never>) {
    if !pending.isEmpty {
      let taken = pending
      pending = []
      onHeld?(-taken.count)
      continuation.resume(returning: .success(taken))
      onRoom?()
    } else if let ending {
      continuation.resume(returning: ending)
    } else if waiter != nil {
      continuation.resume(returning: .failure(.secondReader))
    } else {
      waiter = continuation
      onRoom?()
    }
  }

  private func cancel() { waiter.take()?.resume(returning: .failure(.cancelled)) }
}
