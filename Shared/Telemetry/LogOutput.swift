import Glibc

/// The far side of a sink: a descriptor, or a closure that takes whole lines.
struct LogOutput: ~Copyable {
  private let take: (@Sendable ([UInt8]) -> Void)?
  private var descriptor: LogDescriptor?
  /// What is left of a line that the descriptor took only in part: without it the next line
  /// would be glued to a torn one.
  private var unfinished: [UInt8] = []

  init(take: @escaping @Sendable ([UInt8]) -> Void) {
    self.take = take
    descriptor = nil
  }

  init(descriptor: consuming LogDescriptor) {
    take = nil
    self.descriptor = consume descriptor
  }

  /// Writes one line; false when it was dropped.
  mutating func write(_ line: [UInt8]) -> Bool {
    if let take {
      take(line)
      return true
    }
    guard finish(), let written = descriptor?.write(line[...]) else { return false }
    if written < line.count { unfinished = Array(line[written...]) }
    return true
  }

  /// Whether the last line was taken whole, or its rest was now.
  private mutating func finish() -> Bool {
    guard !unfinished.isEmpty else { return true }
    guard let written = descriptor?.write(unfinished[...]) else { return false }
    unfinished.removeFirst(written)
    return unfinished.isEmpty
  }
}

/// A descriptor that is written to and never waited for.
///
/// Making standard error itself non-blocking would do the same to every process that shares it,
/// the shell included. So a pipe or a terminal is opened anew, which gives this process a file
/// description of its own; where that is not allowed, it asks for room before it writes.
struct LogDescriptor: ~Copyable {
  private enum Way { case plain, socket, ownNonBlocking, askFirst }

  private let descriptor: Int32
  private let way: Way

  init(_ given: Int32) {
    var status = stat()
    guard unsafe fstat(given, &status) == 0 else {
      descriptor = given
      way = .askFirst
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      // A second description would have an offset of its own and overwrite what others write.
      descriptor = given
      way = .plain
    case S_IFSOCK:
      descriptor = given
      way = .socket
    default:
      let own = unsafe open(
        "/proc/self/fd/\(given)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      descriptor = own >= 0 ? own : given
      way = own >= 0 ? .ownNonBlocking : .askFirst
    }
  }

  deinit {
    if way == .ownNonBlocking { close(descriptor) }
  }

  /// How many bytes were taken; nil when none could be without waiting.
  func write(_ bytes: ArraySlice<UInt8>) -> Int? {
    if way == .askFirst, !hasRoom { return nil }
    let written = unsafe bytes.withUnsafeBytes { buffer in
      way == .socket
        ? unsafe send(descriptor, buffer.baseAddress, buffer.count, Int32(Self.neverWait))
        : unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
    }
    return written > 0 ? written : nil
  }

  private static let neverWait = Int(MSG_DONTWAIT) | Int(MSG_NOSIGNAL)

  /// A pipe that polls as writable takes a whole line, unless another process was faster.
  private var hasRoom: Bool {
    var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&item, 1, 0) == 1 && item.revents & Int16(POLLOUT) != 0
  }
}
