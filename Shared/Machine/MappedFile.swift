import CMachine
import Glibc

/// A file that is written as memory: what is committed is the file's at once and survives this
/// process, without a system call.
///
/// Its blocks are taken from the disk before they are mapped, so that a full disk is an error here
/// and no signal later; only a file system that copies what it overwrites may still end the process
/// then, which loses nothing. In front stands how many bytes count: appended bytes count together,
/// from the one store of `commit` on, so that a process that ends at any moment leaves all of them
/// or none. A power cut may take any page; whoever reads the file has to see that. Not thread
/// safe.
@safe package struct MappedFile: ~Copyable {
  /// Tells such a file from any other.
  private static let mark = Array("assaymap".utf8)
  private static let headBytes = 16
  /// A file begins with so much, and grows by at least as much.
  private static let stepBytes = 1 << 20

  private let file: OpenFile
  private var start: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes behind the head that were appended, and those of them that count.
  private var filled = 0
  package private(set) var byteCount = 0

  package var path: String { file.path }

  /// Makes the file, or empties it.
  package init(_ path: String, mode: UInt32 = 0o600) throws(MachineError) {
    let file = try OpenFile(path, for: .map, mode: mode)
    let start = try unsafe Self.map(file, Self.stepBytes, before: 0)
    for (place, byte) in Self.mark.enumerated() {
      unsafe start.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
    }
    self.file = file
    unsafe self.start = start
    capacity = Self.stepBytes
  }

  deinit { _ = unsafe munmap(start, capacity) }

  private static func map(
    _ file: borrowing OpenFile, _ size: Int, before: Int
  ) throws(MachineError) -> UnsafeMutableRawPointer {
    var failure: Int32
    repeat { failure = posix_fallocate(file.descriptor, 0, off_t(size)) } while failure == EINTR
    if failure == 0 {
      let place = unsafe assay_map_shared(file.descriptor, size)
      if let place = unsafe place {
        unsafe assay_populate(place + before, size - before)
        return unsafe place
      }
      failure = errno
    }
    // What was taken of a disk that is full is somebody else's.
    _ = ftruncate(file.descriptor, off_t(before))
    throw MachineError("write", file.path, errno: failure)
  }

  /// Puts bytes behind those that are there; they count with the next `commit`.
  package mutating func append(_ bytes: [UInt8]) throws(MachineError) {
    let end = Self.headBytes + filled + bytes.count
    if end > capacity { try grow(toHold: end) }
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      unsafe (start + Self.headBytes + filled).copyMemory(from: base, byteCount: source.count)
    }
    filled += bytes.count
  }

  private mutating func grow(toHold end: Int) throws(MachineError) {
    let size = (end + Self.stepBytes) / Self.stepBytes * Self.stepBytes
    let place = try unsafe Self.map(file, size, before: capacity)
    _ = unsafe munmap(start, capacity)
    unsafe start = place
    capacity = size
  }

  /// From here on all that was appended counts.
  package mutating func commit() {
    byteCount = filled
    unsafe assay_publish(start + Self.mark.count, UInt64(byteCount).littleEndian)
  }

  /// The bytes that count, as far as the file has them, and whether it has all; nil for a file
  /// that is none of these.
  package static func read(
    _ path: String
  ) throws(MachineError) -> (bytes: [UInt8], isWhole: Bool)? {
    let file = try OpenFile(path, for: .read)
    let head = try file.read(headBytes)
    guard head.count == headBytes, head.starts(with: mark) else { return nil }
    let count = head[mark.count...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let there = max(0, file.byteCount - headBytes)
    let bytes = try file.read(min(Int(clamping: count), there), at: headBytes)
    return (bytes, UInt64(bytes.count) == count)
  }
}
