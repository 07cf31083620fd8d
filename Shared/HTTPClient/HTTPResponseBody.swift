import EventLoop
import Synchronization

/// The bytes behind a response's head, as they come.
///
/// It is read once. Whoever stops reading, by dropping the iterator or the body itself, ends the
/// exchange: the connection is closed (HTTP/2: the stream is reset) and not used again. A body
/// read to its end leaves the connection to the next call. While nobody reads, at most
/// `HTTPClientLimits.bufferedBytesMax` bytes are kept, then the peer has to wait.
package final class HTTPResponseBody: AsyncSequence, Sendable {
  package typealias Element = [UInt8]
  package typealias Failure = HTTPClientError

  private let transfer: Transfer
  private let hasReader = Atomic<Bool>(false)

  init(_ transfer: Transfer) { self.transfer = transfer }

  deinit {
    if !hasReader.load(ordering: .relaxed) { transfer.letGo() }
  }

  /// Bytes of the body that came so far, after inflating.
  package var receivedByteCount: Int { transfer.receivedByteCount.load(ordering: .relaxed) }

  package func makeAsyncIterator() -> AsyncIterator {
    let isFirst = hasReader.compareExchange(expected: false, desired: true, ordering: .relaxed)
    return AsyncIterator(reader: isFirst.exchanged ? Reader(transfer) : nil)
  }

  /// The whole body; more than `max` bytes are an error, and end the exchange.
  package func collect(max: Int) async throws(HTTPClientError) -> [UInt8] {
    var whole: [UInt8] = []
    let iterator = makeAsyncIterator()
    while let chunk = try await iterator.nextChunk() {
      guard whole.count + chunk.count <= max else {
        throw transfer.tooLarge(max)
      }
      // The usual answer is one chunk, which is handed on as it is.
      if whole.isEmpty { whole = chunk } else { whole += chunk }
    }
    return whole
  }

  /// Reads chunks; when it goes, so does the exchange.
  package struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let reader: Reader?

    package mutating func next() async throws(HTTPClientError) -> [UInt8]? {
      try await nextChunk()
    }

    package mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPClientError) -> [UInt8]? {
      try await nextChunk()
    }

    fileprivate func nextChunk() async throws(HTTPClientError) -> [UInt8]? {
      guard let reader else { throw HTTPClientError(.bodyAlreadyRead, "A body is read once") }
      return try await reader.transfer.nextChunk().get()
    }
  }

  /// Its end is the end of reading.
  fileprivate final class Reader: Sendable {
    let transfer: Transfer

    init(_ transfer: Transfer) { self.transfer = transfer }

    deinit { transfer.letGo() }
  }
}
