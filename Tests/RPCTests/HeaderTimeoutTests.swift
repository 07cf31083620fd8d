import EventLoop
import Glibc
import MeshAddressing
import RPC
import Testing

/// A client that begins a request's headers and never ends them, byte by byte on a real socket.
@Suite(.timeLimit(.minutes(1))) struct HeaderTimeoutTests {
  @Test func `headers that never end cost the connection, whatever else it says`() async throws {
    let folder = "/tmp/assay-ht\(getpid())-\(UInt16.random(in: .min ... .max))"
    try #require(unsafe mkdir(folder, 0o700) == 0)
    defer { _ = unsafe rmdir(folder) }
    var limits = ServerLimits()
    limits.headerTimeout = .milliseconds(1)
    let mesh = try TestMesh(limits: limits)
    defer { mesh.stop() }
    let path = "\(folder)/a.sock"
    _ = try await mesh.server.listen(on: .unix(path: path))
    let client = try connected(to: path)
    defer { close(client) }
    // Preface, SETTINGS, and of HEADERS with 16,000 bytes the first: `:method: POST`, then a field
    // whose value is 14,590 bytes long.
    say(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), to: client)
    say([0, 0, 0, 4, 0, 0, 0, 0, 0], to: client)
    say([0, 0x3e, 0x80, 1, 4, 0, 0, 0, 1, 0x83, 0, 1, 0x61, 0x7f, 0xff, 0x70], to: client)
    try await eventually("the cut", on: mesh.clientLoop) {
      // Signs of life do not help: a byte of the value each time.
      say([0x78], to: client)
      return mesh.witness.events.contains { $0.kind == .limit && $0.detail == "header_timeout" }
    }
    await mesh.server.drain()
  }

  private func say(_ bytes: [UInt8], to descriptor: Int32) {
    _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private func connected(to path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      unsafe room.copyBytes(from: Array(path.utf8))
    }
    let status = unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0)
    return descriptor
  }
}
