import CMachine
import Glibc

/// One of the three streams every process is born with.
package enum StandardStream: Int32, Sendable {
  case input = 0
  case output = 1
  case error = 2

  package var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Columns of the terminal; nil where there is none.
  package var columns: Int? {
    let columns = Int(assay_terminal_columns(rawValue))
    return columns > 0 ? columns : nil
  }

  /// Writes everything, waiting where the reader is slow; false when nobody reads any more.
  @discardableResult
  package func write(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { buffer in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        let chunk = unsafe UnsafeBufferPointer(rebasing: rest)
        let count = unsafe Glibc.write(rawValue, chunk.baseAddress, chunk.count)
        if count >= 0 {
          unsafe rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
          // Somebody we share the terminal with has made it non-blocking.
          var wait = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
          _ = unsafe poll(&wait, 1, 1000)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  /// Reads the stream to its end; refused above `bytesMax`.
  package func readAll(bytesMax: Int) throws(MachineError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let more = try readSome() {
      bytes += more
      guard bytes.count <= bytesMax else {
        throw MachineError("read", "standard input", reason: "it is longer than \(bytesMax) bytes")
      }
    }
    return bytes
  }

  /// Reads what is there, waiting for at least a byte; nil at the end.
  package func readSome() throws(MachineError) -> [UInt8]? {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, filled in
      while true {
        let count = unsafe Glibc.read(rawValue, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { failure = errno }
        filled = max(0, count)
        return
      }
    }
    if failure != 0 { throw MachineError("read", "standard input", errno: failure) }
    return bytes.isEmpty ? nil : bytes
  }
}
