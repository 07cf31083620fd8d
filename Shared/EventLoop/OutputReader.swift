import CUV
import Glibc

/// Reads one output of a child process from our end of a pipe, which it owns.
@safe final class OutputReader {
  enum Sink {
    case lines((String) -> Void)
    case bytes((RawSpan) -> Void)
  }

  private let descriptor: Int32
  private let loop: EventLoop
  private let sink: Sink
  private var poll: DescriptorPoll?
  private var line: [UInt8] = []
  /// The line so far has gone out in pieces.
  private var isCut = false
  private var isClosed = false

  /// Reads in one turn, so that a child that writes without end leaves room for others.
  private static let readsPerTurnMax = 4
  /// The kernel lets nobody but root have a larger pipe.
  private static let restReadsMax = 32

  init(_ descriptor: Int32, _ sink: Sink, on loop: EventLoop) throws(EventLoopError) {
    self.descriptor = descriptor
    self.sink = sink
    self.loop = loop
    do throws(EventLoopError) {
      poll = try DescriptorPoll(
        descriptor, on: loop, onReady: { _ in self.readReady() }, onStop: { self.close() })
    } catch {
      isClosed = true
      Glibc.close(descriptor)
      throw error
    }
  }

  func start() { poll?.watch() }

  private func readReady() {
    for _ in 0..<Self.readsPerTurnMax {
      guard !isClosed, readOnce() else { return }
    }
  }

  /// The child is gone: what it wrote is in the pipe, all of it, now.
  func readRest() {
    for _ in 0..<Self.restReadsMax {
      guard !isClosed, readOnce() else { break }
    }
    if !isClosed { endLine() }
  }

  /// False when there is no more for now, or for ever.
  private func readOnce() -> Bool {
    let count = unsafe read(descriptor, loop.readBuffer, EventLoop.readBufferByteCount)
    if count > 0 {
      let bytes = unsafe UnsafeRawBufferPointer(start: loop.readBuffer, count: count)
      switch sink {
      case .bytes(let onBytes): onBytes(unsafe bytes.bytes)
      case .lines: unsafe splitLines(bytes)
      }
      return true
    }
    if count < 0 && (errno == EAGAIN || errno == EINTR) { return false }
    endLine()
    close()
    return false
  }

  private func splitLines(_ bytes: UnsafeRawBufferPointer) {
    // A copy: a line's receiver may run what reads into the same buffer.
    for byte in unsafe Array(bytes) {
      if byte == UInt8(ascii: "\n") {
        endLine(evenIfEmpty: !isCut)
        isCut = false
      } else {
        line.append(byte)
        guard line.count == ChildLaunch.lineBytesMax else { continue }
        endLine()
        isCut = true
      }
    }
  }

  private func endLine(evenIfEmpty: Bool = false) {
    guard case .lines(let onLine) = sink, evenIfEmpty || !line.isEmpty else { return }
    let text = String(decoding: line, as: UTF8.self)
    line.removeAll(keepingCapacity: true)
    onLine(text)
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    poll?.close()
    poll = nil
    Glibc.close(descriptor)
  }
}
