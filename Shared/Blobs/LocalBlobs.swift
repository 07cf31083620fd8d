import Digest
import EventLoop
import Machine

/// Blobs as files of one folder: `ab/cdef…` by the digits of their hash, what is being written in
/// `incoming`.
///
/// A file has its name only once its bytes are on the disk, so that whoever reads sees all of a
/// blob or none of it. Several processes may read and write the same folder.
package final class LocalBlobs: BlobStore {
  package enum Access: Sendable {
    /// The folder must be there.
    case reading
    /// The folder is made when it is missing.
    case writing
  }

  let folder: String
  private let threads: OwnerThreads<Job>

  typealias Job = @Sendable () -> Void

  private init(_ folder: String) {
    self.folder = folder
    threads = OwnerThreads(name: "blobs", waitingMax: BlobLimits.waitingMax)
  }

  /// Opens the folder and starts the threads that work in it; `close()` ends them.
  package static func open(_ folder: String, for access: Access) async throws -> LocalBlobs {
    let blobs = LocalBlobs(folder)
    for _ in 0..<BlobLimits.threads {
      try await blobs.threads.start(
        open: { try prepare(folder, for: access) }, take: { _, jobs in for job in jobs { job() } })
    }
    return blobs
  }

  private static func prepare(_ folder: String, for access: Access) throws(MachineError) {
    switch access {
    case .writing:
      try Files.makeDirectories("\(folder)/incoming", mode: 0o750)
      // All at once, so that no blob ever lies in a folder whose own name is not on the disk.
      for byte in UInt8.min...UInt8.max {
        try Files.makeDirectory("\(folder)/\(Hex.text([byte]))", mode: 0o750)
      }
      try Files.sync(folder)
    case .reading:
      guard Files.facts(of: folder, followingLinks: true)?.kind == .directory else {
        throw MachineError("read", folder, reason: "it is no folder")
      }
    }
  }

  /// Does what was begun, and ends the threads.
  package func close() async { await threads.end() }

  /// Where a blob is, in the folder.
  static func place(of hash: BlobHash) -> (folder: String, name: String) {
    let text = hash.text
    return (String(text.prefix(2)), String(text.dropFirst(2)))
  }

  // MARK: - Reading and writing

  /// Refuses what is missing or has another size before a byte of it is read.
  package func open(_ hash: BlobHash, byteCount: Int) async throws(BlobError) -> any BlobReading {
    let (folder, name) = Self.place(of: hash)
    let path = "\(self.folder)/\(folder)/\(name)"
    return try await run { () throws(BlobError) -> LocalBlobReader in
      try LocalBlobReader(self, hash, byteCount: byteCount, path: path)
    }
  }

  package func begin(
    bytesMax: Int = BlobLimits.blobBytesMax
  ) async throws(BlobError) -> any BlobWriting {
    let most = min(bytesMax, BlobLimits.blobBytesMax)
    let name = String(UInt64.random(in: .min ... .max), radix: 16)
    let path = "\(folder)/incoming/\(Processes.own)-\(name).part"
    return try await run { () throws(BlobError) -> LocalBlobWriter in
      try LocalBlobWriter(self, bytesMax: most, path: path)
    }
  }

  // MARK: - The threads

  /// Runs `body` on a thread of the store's; what goes on with something that was begun is urgent.
  func run<R: Sendable>(
    isUrgent: Bool = false, _ body: @escaping @Sendable () throws(BlobError) -> R
  ) async throws(BlobError) -> R {
    let result = await withCheckedContinuation {
      (done: CheckedContinuation<Result<R, BlobError>, Never>) in
      let job: Job = {
        do throws(BlobError) {
          done.resume(returning: .success(try body()))
        } catch {
          done.resume(returning: .failure(error))
        }
      }
      switch threads.submit(job, isUrgent: isUrgent) {
      case .taken: break
      case .full:
        done.resume(
          returning: .failure(BlobError(.busy, "Too much waits for the blob store already")))
      case .ended: done.resume(returning: .failure(.closed))
      }
    }
    return try result.get()
  }

  /// Removes a file some time, without anybody waiting for it.
  func discard(_ path: String) {
    _ = threads.submit({ try? Files.remove(path) }, isUrgent: true)
  }
}
