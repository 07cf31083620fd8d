import Digest
import Locking
import Machine

/// A file of the folder on its way in.
final class LocalBlobWriter: BlobWriting {
  private struct State: ~Copyable {
    /// Nil once it was kept or given up.
    var file: OpenFile?
    var digest: SHA256?
    var byteCount = 0
  }

  private let store: LocalBlobs
  private let bytesMax: Int
  private let path: String
  private let state: Lock<State>

  /// On a thread of the store's.
  init(_ store: LocalBlobs, bytesMax: Int, path: String) throws(BlobError) {
    let file: OpenFile
    do throws(MachineError) {
      // Its owner and his group read it; nobody writes to it again.
      file = try OpenFile(path, for: .create, mode: 0o440)
    } catch {
      throw BlobError(error)
    }
    self.store = store
    self.bytesMax = bytesMax
    self.path = path
    state = Lock(State(file: file, digest: SHA256()))
  }

  /// Only what was never finished is still there.
  deinit { store.discard(path) }

  func append(_ bytes: [UInt8]) async throws(BlobError) {
    try await store.run(isUrgent: true) { () throws(BlobError) in try self.add(bytes) }
  }

  private func add(_ bytes: [UInt8]) throws(BlobError) {
    let bytesMax = bytesMax
    try state.withLock { state throws(BlobError) in
      guard let file = state.file.take(), var digest = state.digest.take() else {
        throw BlobError.closed
      }
      guard bytes.count <= bytesMax - state.byteCount else {
        throw BlobError(.tooLarge, "A blob of more than \(bytesMax) bytes")
      }
      do throws(MachineError) {
        try file.write(bytes)
      } catch {
        throw BlobError(error)
      }
      digest.update(bytes)
      state.byteCount += bytes.count
      state.file = consume file
      state.digest = consume digest
    }
  }

  func finish(as hash: BlobHash?) async throws(BlobError) -> StoredBlob {
    try await store.run(isUrgent: true) { () throws(BlobError) in try self.keep(as: hash) }
  }

  private func keep(as wanted: BlobHash?) throws(BlobError) -> StoredBlob {
    let (folder, path) = (store.folder, path)
    return try state.withLock { state throws(BlobError) -> StoredBlob in
      guard let file = state.file.take(), let digest = state.digest.take() else {
        throw BlobError.closed
      }
      let blob = StoredBlob(hash: BlobHash(digest), byteCount: state.byteCount)
      if let wanted, wanted != blob.hash {
        throw BlobError(.otherHash, "The bytes are called \(blob.hash), not \(wanted)")
      }
      do throws(MachineError) {
        try Self.keep(file, blob, in: folder, from: path)
      } catch {
        throw BlobError(error)
      }
      return blob
    }
  }

  private static func keep(
    _ file: borrowing OpenFile, _ blob: StoredBlob, in folder: String, from path: String
  ) throws(MachineError) {
    let place = LocalBlobs.place(of: blob.hash)
    let shelf = "\(folder)/\(place.folder)"
    let target = "\(shelf)/\(place.name)"
    if isThere(blob, target) {
      try Files.remove(path)
    } else {
      try file.sync()
      try Files.rename(path, to: target)
    }
    // Also where another has put it there a moment ago, and does not know yet.
    try Files.sync(shelf)
  }

  /// Whether the blob lies there whole: one that was damaged is replaced by its like.
  private static func isThere(_ blob: StoredBlob, _ path: String) -> Bool {
    guard let file = try? OpenFile(path, for: .readPlain), file.byteCount == blob.byteCount else {
      return false
    }
    var digest = SHA256()
    var offset = 0
    while offset < blob.byteCount {
      guard let bytes = try? file.read(BlobLimits.pieceBytesMax, at: offset), !bytes.isEmpty else {
        return false
      }
      digest.update(bytes)
      offset += bytes.count
    }
    return digest.finish() == blob.hash.bytes
  }
}
