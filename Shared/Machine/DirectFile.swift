import CMachine
import Glibc

/// A file of one length whose blocks are written anew, past the system's cache: a write is on the
/// disk when it is over, and its thread may do something else meanwhile.
///
/// Made for few small writes that somebody waits for: where blocks that exist are written over,
/// no size and no map of the file has to reach the disk with them. One write at a time. Not every
/// file system and not every kernel has such files: then none can be opened.
@safe package struct DirectFile: ~Copyable {
  /// Writes begin at a multiple of this.
  package static let blockBytes = 4_096

  package let path: String
  package let byteCount: Int
  private let descriptor: Int32
  private let context: UInt64
  private let bytesMax: Int
  /// Can be read from when the write that was begun is over; nil for a file that was not asked to
  /// tell. It ends with this value.
  package let endDescriptor: Int32?
  /// The bytes of the write that goes on.
  private let buffer: UnsafeMutableRawPointer
  private var writing = 0

  /// How long a thread stays awake for the end of a write: some times what a quick disk takes.
  private static let lingerNanoseconds: Int64 = 300_000
  private static let pieceBytes = 1 << 18
  private static let canLinger = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1

  /// Opens the file; makes it, full of zeros, when there is none of this length.
  ///
  /// `byteCount` and `bytesMax`, what one write may have, are multiples of a block. `tellsEnd`:
  /// for whoever has a loop to wait on.
  package init(
    _ path: String, byteCount: Int, bytesMax: Int, tellsEnd: Bool = false, mode: UInt32 = 0o600
  ) throws(MachineError) {
    try Self.prepare(path, byteCount: byteCount, mode: mode)
    let descriptor = unsafe path.withPath { unsafe assay_open_direct($0) }
    guard descriptor >= 0 else { throw MachineError("write", path, errno: errno) }
    let event = tellsEnd ? assay_event_open() : -1
    var context: UInt64 = 0
    let code = tellsEnd && event < 0 ? -errno : unsafe assay_aio_open(&context)
    guard code == 0 else {
      _ = close(descriptor)
      if event >= 0 { _ = close(event) }
      throw MachineError("write", path, errno: -code)
    }
    endDescriptor = tellsEnd ? event : nil
    self.path = path
    self.byteCount = byteCount
    self.bytesMax = bytesMax
    self.descriptor = descriptor
    self.context = context
    unsafe buffer = .allocate(byteCount: bytesMax, alignment: Self.blockBytes)
  }

  deinit {
    assay_aio_close(context)
    _ = close(descriptor)
    if let endDescriptor { _ = close(endDescriptor) }
    unsafe buffer.deallocate()
  }

  /// Makes the file, where there is none of this length: takes as long as its bytes take to reach
  /// the disk.
  package static func prepare(
    _ path: String, byteCount: Int, mode: UInt32 = 0o600
  ) throws(MachineError) {
    if Files.facts(of: path)?.byteCount != byteCount {
      try make(path, byteCount: byteCount, mode: mode)
    }
  }

  private static func make(
    _ path: String, byteCount: Int, mode: UInt32
  ) throws(MachineError) {
    let file = try OpenFile(path, for: .replace, mode: mode)
    let zeros = [UInt8](repeating: 0, count: pieceBytes)
    var left = byteCount
    while left > 0 {
      let count = min(left, pieceBytes)
      try file.write(count == pieceBytes ? zeros : Array(zeros.prefix(count)))
      left -= count
    }
    try file.sync()
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    try Files.sync(folder)
  }

  /// What `parts` take, in whole blocks.
  package static func room(for byteCount: Int) -> Int {
    (byteCount + blockBytes - 1) / blockBytes * blockBytes
  }

  /// Begins to write the parts one behind the other, and zeros up to the end of their last block;
  /// they are on the disk when `finish` returns, and not before.
  package mutating func begin(_ parts: [[UInt8]], at offset: Int) throws(MachineError) {
    precondition(writing == 0, "a write goes on")
    let count = parts.reduce(0) { $0 + $1.count }
    let room = Self.room(for: count)
    guard count > 0, room <= bytesMax, offset >= 0, offset % Self.blockBytes == 0,
      offset <= byteCount - room
    else { throw MachineError("write", path, reason: "\(count) bytes do not fit") }
    var filled = 0
    for part in parts {
      unsafe part.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        unsafe (buffer + filled).copyMemory(from: start, byteCount: bytes.count)
      }
      filled += part.count
    }
    _ = unsafe memset(buffer + filled, 0, room - filled)
    let code = unsafe assay_aio_write(
      context, descriptor, buffer, room, Int64(offset), endDescriptor ?? -1)
    guard code == 0 else { throw MachineError("write", path, errno: -code) }
    writing = room
  }

  /// Returns when the write that was begun is on the disk; at once when there is none. A failure
  /// is final: what the disk holds is unknown.
  package mutating func finish() throws(MachineError) {
    guard writing > 0 else { return }
    linger()
    let written = assay_aio_wait(context)
    if let endDescriptor { assay_event_drain(endDescriptor) }
    let wanted = writing
    writing = 0
    guard written == Int64(wanted) else {
      throw MachineError("write", path, errno: written < 0 ? Int32(-written) : EIO)
    }
  }

  /// To be put to sleep and woken costs as much as the rest of a write.
  private func linger() {
    guard Self.canLinger else { return }
    let deadline = Self.nanoseconds + Self.lingerNanoseconds
    while assay_aio_is_over(context) == 0, Self.nanoseconds < deadline { sched_yield() }
  }

  private static var nanoseconds: Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
