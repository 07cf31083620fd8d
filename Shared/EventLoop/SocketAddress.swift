import CUV
import Glibc

/// Where a socket listens or connects to.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
  case unix(path: String)
  case tcp(host: String, port: UInt16)

  /// The kernel's bound on the path of a Unix socket, without the NUL.
  package static let unixPathBytesMax = 107

  /// As labels and logs show it.
  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port):
      host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    }
  }
}

extension SocketAddress {
  /// Where the peer of a connected socket is; nil when it has no name, as on Unix sockets.
  package init?(peerOf descriptor: Int32) {
    guard let address = RawAddress(of: descriptor, peer: true)?.socketAddress else { return nil }
    self = address
  }
}

/// An address as the kernel takes it.
struct RawAddress {
  private var storage = sockaddr_storage()
  private(set) var byteCount: socklen_t = 0

  /// The address of a Unix socket; too long a path, or one with a NUL, is refused.
  init(unixPath path: String) throws(EventLoopError) {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, !bytes.contains(0) else {
      throw EventLoopError(.addressInvalid, "An empty socket path, or one with a NUL in it")
    }
    guard bytes.count <= SocketAddress.unixPathBytesMax else {
      throw EventLoopError(
        .socketPathTooLong,
        "The socket path has \(bytes.count) bytes, the kernel takes "
          + "\(SocketAddress.unixPathBytesMax): \(path)")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    byteCount = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + 1)
    unsafe withUnsafeBytes(of: &address) { source in
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: source) }
    }
  }

  /// A numeric IPv4 or IPv6 address; nil when `host` is a name.
  init?(numeric host: String, port: UInt16) {
    var four = sockaddr_in()
    var six = sockaddr_in6()
    if unsafe uv_ip4_addr(host, Int32(port), &four) == 0 {
      byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
      unsafe withUnsafeBytes(of: &four) { source in
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: source) }
      }
    } else if unsafe uv_ip6_addr(host, Int32(port), &six) == 0 {
      byteCount = socklen_t(MemoryLayout<sockaddr_in6>.size)
      unsafe withUnsafeBytes(of: &six) { source in
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: source) }
      }
    } else {
      return nil
    }
  }

  /// Copies what a resolver answered.
  init?(copying address: UnsafePointer<sockaddr>?, byteCount: socklen_t) {
    guard let address = unsafe address, byteCount <= MemoryLayout<sockaddr_storage>.size else {
      return nil
    }
    self.byteCount = byteCount
    let source = unsafe UnsafeRawBufferPointer(start: address, count: Int(byteCount))
    unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: source) }
  }

  /// The local address of `descriptor`, or its peer's; nil when it has none.
  init?(of descriptor: Int32, peer: Bool) {
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe peer
          ? getpeername(descriptor, address, &length) : getsockname(descriptor, address, &length)
      }
    }
    guard status == 0 else { return nil }
    byteCount = length
  }

  var family: Int32 { Int32(storage.ss_family) }

  func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    unsafe withUnsafePointer(to: storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, byteCount)
      }
    }
  }

  /// Nil for a socket that has no name, such as the client's end of a Unix connection.
  var socketAddress: SocketAddress? {
    switch family {
    case AF_UNIX:
      let start = MemoryLayout<sa_family_t>.size
      let path = unsafe withUnsafeBytes(of: storage) { bytes in
        unsafe String(
          decoding: bytes[start..<max(start, Int(byteCount))].prefix { $0 != 0 }, as: UTF8.self)
      }
      return path.isEmpty ? nil : .unix(path: path)
    case AF_INET, AF_INET6:
      var name = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      let port = unsafe withPointer { address, _ in
        unsafe assay_name_address(address, &name, name.count)
      }
      guard let port = UInt16(exactly: port) else { return nil }
      let host = String(
        decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      return .tcp(host: host, port: port)
    default:
      return nil
    }
  }
}
