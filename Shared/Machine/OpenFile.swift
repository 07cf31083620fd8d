import CMachine
import Glibc

/// One open file; closed when it goes out of scope.
package struct OpenFile: ~Copyable, Sendable {
  /// Valid as long as this value lives.
  package let descriptor: Int32
  package let path: String

  /// What an open file is for.
  package enum Purpose: Sendable {
    case read
    /// Reads a plain file and nothing that stands in its place: no link is followed, no pipe waited
    /// for.
    case readPlain
    /// Writes go to the end; the file is made when there is none.
    case append
    /// The file is made or emptied.
    case replace
    /// The file must not be there yet.
    case create
    /// To be mapped: the file is made or emptied.
    case map
    /// To hold a lock on: made when there is none, never emptied.
    case lock
  }

  /// Opens a path; a new file gets `mode`.
  package init(
    _ path: String, for purpose: Purpose, mode: UInt32 = 0o600
  ) throws(MachineError) {
    let flags =
      switch purpose {
      case .read: O_RDONLY
      case .readPlain: O_RDONLY | O_NOFOLLOW | O_NONBLOCK
      case .append: O_WRONLY | O_APPEND | O_CREAT
      case .replace: O_WRONLY | O_CREAT | O_TRUNC
      case .create: O_WRONLY | O_CREAT | O_EXCL
      case .map: O_RDWR | O_CREAT | O_TRUNC
      case .lock: O_RDWR | O_CREAT
      }
    let descriptor = unsafe path.withPath { unsafe assay_open($0, flags, mode) }
    guard descriptor >= 0 else {
      let reads = purpose == .read || purpose == .readPlain
      throw MachineError(reads ? "read" : "write", path, errno: errno)
    }
    if purpose == .readPlain {
      var facts = stat()
      let isPlain = unsafe fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
      guard isPlain else {
        _ = close(descriptor)
        throw MachineError("read", path, reason: MachineError.notPlain)
      }
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit { _ = close(descriptor) }

  /// The bytes written so far.
  package var byteCount: Int {
    var facts = stat()
    return unsafe fstat(descriptor, &facts) == 0 ? Int(facts.st_size) : 0
  }

  /// Whether the path still leads to this file, rather than to nothing or to a newer one.
  package var isAtItsPath: Bool {
    var own = stat()
    var there = stat()
    guard unsafe fstat(descriptor, &own) == 0,
      unsafe path.withPath({ unsafe stat($0, &there) }) == 0
    else { return false }
    return own.st_ino == there.st_ino && own.st_dev == there.st_dev
  }

  /// Writes everything, however many calls that takes.
  package func write(_ bytes: borrowing RawSpan) throws(MachineError) {
    let failure = unsafe bytes.withUnsafeBytes { buffer -> Int32 in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        let chunk = unsafe UnsafeRawBufferPointer(rebasing: rest)
        let count = unsafe Glibc.write(descriptor, chunk.baseAddress, chunk.count)
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        unsafe rest = rest.dropFirst(count)
      }
      return 0
    }
    if failure != 0 { throw MachineError("write", path, errno: failure) }
  }

  /// Writes all of the bytes.
  package func write(_ bytes: [UInt8]) throws(MachineError) {
    try write(unsafe bytes.span.bytes)
  }

  /// Writes a text as UTF-8.
  package func write(_ text: String) throws(MachineError) {
    try write(unsafe text.utf8Span.span.bytes)
  }

  /// Waits until all that was written is on the disk; a failure here is final: what the disk
  /// holds is unknown, and asking again would only hide that.
  package func sync() throws(MachineError) {
    while fdatasync(descriptor) != 0 {
      guard errno == EINTR else { throw MachineError("sync", path, errno: errno) }
    }
  }

  /// Reads up to `count` bytes from `offset` on; fewer only at the end of the file.
  package func read(_ count: Int, at offset: Int = 0) throws(MachineError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let place = unsafe buffer.baseAddress?.advanced(by: filled)
        let got = unsafe pread(descriptor, place, count - filled, off_t(offset + filled))
        if got < 0 {
          if errno == EINTR { continue }
          failure = errno
          return
        }
        if got == 0 { return }
        filled += got
      }
    }
    if failure != 0 { throw MachineError("read", path, errno: failure) }
    return bytes
  }

  /// Takes the file for this process alone; false when another holds it.
  ///
  /// The lock goes with the open file: it ends when this value does, or the process.
  package func lock() throws(MachineError) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
    guard errno == EWOULDBLOCK else { throw MachineError("lock", path, errno: errno) }
    return false
  }
}
