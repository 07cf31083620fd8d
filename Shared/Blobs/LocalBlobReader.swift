import Digest
import Locking
import Machine

/// A file of the folder on its way out.
final class LocalBlobReader: BlobReading {
  private struct State: ~Copyable {
    let file: OpenFile
    /// Nil at the end, and after a failure.
    var digest: SHA256?
    var offset = 0
  }

  private let store: LocalBlobs
  private let hash: BlobHash
  private let byteCount: Int
  private let state: Lock<State>

  /// On a thread of the store's.
  init(_ store: LocalBlobs, _ hash: BlobHash, byteCount: Int, path: String) throws(BlobError) {
    let file: OpenFile
    do throws(MachineError) {
      file = try OpenFile(path, for: .readPlain)
    } catch {
      if error.isAbsence { throw BlobError(.missing, "No blob is called \(hash)") }
      guard !error.isForeign else {
        throw BlobError(.notAFile, "What is called \(hash) in the blob store is no file")
      }
      throw BlobError(error)
    }
    let found = file.byteCount
    guard found == byteCount else {
      throw BlobError(.otherSize, "The blob \(hash) has \(found) bytes, not \(byteCount)")
    }
    // Of nothing, no last bytes could be held back.
    guard byteCount > 0 || hash == BlobHash(of: []) else { throw Self.damaged(hash) }
    self.store = store
    self.hash = hash
    self.byteCount = byteCount
    state = Lock(State(file: file, digest: SHA256()))
  }

  private static func damaged(_ hash: BlobHash) -> BlobError {
    BlobError(.damaged, "The bytes of the blob \(hash) are not those that it is named after")
  }

  func next<R: Sendable>(
    _ count: Int, _ body: @escaping @Sendable ([UInt8]) -> R
  ) async throws(BlobError) -> R? {
    try await store.run(isUrgent: true) { () throws(BlobError) -> R? in
      try self.read(min(max(1, count), BlobLimits.pieceBytesMax)).map(body)
    }
  }

  private func read(_ count: Int) throws(BlobError) -> [UInt8]? {
    let (hash, byteCount) = (hash, byteCount)
    return try state.withLock { state throws(BlobError) -> [UInt8]? in
      guard var digest = state.digest.take() else {
        guard state.offset == byteCount else { throw BlobError.closed }
        return nil
      }
      let wanted = min(count, byteCount - state.offset)
      let bytes: [UInt8]
      do throws(MachineError) {
        bytes = try state.file.read(wanted, at: state.offset)
      } catch {
        throw BlobError(error)
      }
      guard bytes.count == wanted else {
        throw BlobError(
          .otherSize, "The blob \(hash) ended after \(state.offset + bytes.count) bytes")
      }
      digest.update(bytes)
      guard state.offset + wanted == byteCount else {
        state.offset += wanted
        state.digest = consume digest
        return bytes
      }
      guard digest.finish() == hash.bytes else { throw Self.damaged(hash) }
      state.offset = byteCount
      return bytes.isEmpty ? nil : bytes
    }
  }
}
