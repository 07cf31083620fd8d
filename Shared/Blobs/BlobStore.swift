// Blobs: documents by their content. A blob is written once, under the SHA-256 of its bytes, never
// changes after, and is read piece by piece; nobody holds a whole one in memory. It knows neither
// who may read what nor when a blob may go: a hash is all that it takes to read one. It never
// gives out the last bytes of a blob that is not what its name says, follows no link, and does
// nothing on the caller's thread: what may wait for a disk runs on threads of the store's own.
// Limits: `BlobLimits`.

/// Bounds on blobs and on those who read and write them.
package enum BlobLimits {
  /// What a blob may have, unless whoever writes it says less.
  package static let blobBytesMax = 100 << 20
  /// What is read at once at most.
  package static let pieceBytesMax = 1 << 20
  /// Threads that read and write, and what may wait for them before more is begun.
  package static let threads = 2
  package static let waitingMax = 1_024
}

/// Where blobs lie: a folder of this machine, or whatever else keeps bytes by their hash.
package protocol BlobStore: Sendable {
  /// A blob from its first byte on, of the size that is expected of it.
  func open(_ hash: BlobHash, byteCount: Int) async throws(BlobError) -> any BlobReading
  /// Begins a new blob of at most so many bytes.
  func begin(bytesMax: Int) async throws(BlobError) -> any BlobWriting
}

/// A blob that is being read, from its first byte to its last, once.
package protocol BlobReading: Sendable {
  /// What `body` makes of the next bytes, where they were read; nil when there are no more. As many
  /// as are asked for, fewer only at the end; one call after another.
  ///
  /// The last bytes come only when all of them have proved to be what the blob's name says.
  func next<R: Sendable>(
    _ count: Int, _ body: @escaping @Sendable ([UInt8]) -> R
  ) async throws(BlobError) -> R?
}

/// A blob that is being written; nothing is left of one that is let go before its end.
package protocol BlobWriting: Sendable {
  /// Adds bytes; one call after another.
  func append(_ bytes: [UInt8]) async throws(BlobError)
  /// Keeps the blob for good, durably; the same bytes are kept once, however often they come.
  ///
  /// With a hash, nothing is kept unless the bytes have that one.
  func finish(as hash: BlobHash?) async throws(BlobError) -> StoredBlob
}

/// A blob that is there.
package struct StoredBlob: Hashable, Sendable {
  package let hash: BlobHash
  package let byteCount: Int

  package init(hash: BlobHash, byteCount: Int) {
    self.hash = hash
    self.byteCount = byteCount
  }
}
