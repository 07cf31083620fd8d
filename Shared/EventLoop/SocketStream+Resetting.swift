import CUV
import Glibc

extension ByteStream {
  /// Writes owned bytes, as `write(_:)` does lent ones.
  package func write(_ bytes: [UInt8]) { write(unsafe bytes.span.bytes) }
}

extension [UInt8] {
  /// Appends a copy of lent bytes.
  package mutating func append(copying bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension SocketStream {
  /// Closes at once; over TCP the peer sees a reset instead of an end.
  package func reset() {
    loop.assertCurrent()
    var descriptor: Int32 = -1
    if kind == .tcp, unsafe memory != nil,
      unsafe uv_fileno(assay_handle(handle), &descriptor) == 0
    {
      var immediately = linger(l_onoff: 1, l_linger: 0)
      let size = socklen_t(MemoryLayout<linger>.size)
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &immediately, size)
    }
    close()
  }
}
