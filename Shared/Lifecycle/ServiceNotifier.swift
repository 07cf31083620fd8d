import Glibc

/// Tells the service manager how the process is doing, in sd_notify's protocol.
///
/// Does nothing when there is no manager, and never waits for one: a datagram that cannot be
/// sent at once is not sent.
package struct ServiceNotifier: Sendable {
  private let address: [UInt8]?

  /// Nobody is told anything.
  package static let none = ServiceNotifier(socket: nil)

  /// Bytes of a status line; more is cut.
  package static let statusBytesMax = 256

  /// The manager that `NOTIFY_SOCKET` names: a path, or `@` and a name without one.
  package init(environment: [String: String]) {
    self.init(socket: environment["NOTIFY_SOCKET"])
  }

  private init(socket: String?) {
    address = socket.flatMap(Self.address)
  }

  package var isConnected: Bool { address != nil }

  /// The service does its work from now on.
  package func ready() { _ = send("READY=1") }
  /// The service has begun to stop.
  package func stopping() { _ = send("STOPPING=1") }
  /// One line about what it is doing.
  package func status(_ text: String) {
    let line = text.utf8.prefix(Self.statusBytesMax).map { $0 < 0x20 ? 0x20 : $0 }
    _ = send("STATUS=" + String(decoding: line, as: UTF8.self))
  }

  /// The bytes of `sun_path`; nil for kinds of socket that are not ours (`vsock:`) and for
  /// names that do not fit.
  private static func address(_ name: String) -> [UInt8]? {
    var bytes = [UInt8](name.utf8)
    let room = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
    guard bytes.count > 1, !bytes.contains(0) else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "/"): return bytes.count < room ? bytes + [0] : nil
    case UInt8(ascii: "@"):
      // A name in no directory begins with a NUL and has no end but its length.
      bytes[0] = 0
      return bytes.count <= room ? bytes : nil
    default: return nil
    }
  }

  private func send(_ message: String) -> Bool {
    guard let address else { return false }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &target.sun_path) { path in
      unsafe path.copyBytes(from: address)
    }
    let headBytes = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: target.sun_path)
    let length = socklen_t(headBytes + address.count)
    let bytes = [UInt8](message.utf8)
    let sent = unsafe withUnsafePointer(to: &target) { pointer in
      unsafe sendto(
        descriptor, bytes, bytes.count, Int32(Int(MSG_DONTWAIT) | Int(MSG_NOSIGNAL)),
        UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
    }
    return sent == bytes.count
  }
}
