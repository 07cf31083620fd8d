import EventLoop
import GatewayFixtures
import Glibc
import JSON
import TestSupport

/// A client that goes away in the midst of an answer, after so many bytes and none more.
struct CutClient: Sendable {
  private let path: String
  private let pool: BlockingPool

  init(_ fixture: GatewayFixture, together count: Int) {
    path = "\(fixture.folder)/http.sock"
    pool = BlockingPool(name: "cut", threadsMax: count)
  }

  /// How many bytes there were, up to `most`.
  @discardableResult
  func post(
    _ target: String, _ body: JSONValue, readingAtMost most: Int
  ) async throws -> Int {
    let path = path
    let bytes = body.bytes()
    let head =
      "POST \(target) HTTP/1.1\r\nHost: test\r\nx-api-key: \(GatewayFixture.key)\r\n"
      + "Content-Type: application/json\r\nConnection: close\r\n"
      + "Content-Length: \(bytes.count)\r\n\r\n"
    return try await pool.run {
      let descriptor = try Self.connect(path)
      defer { close(descriptor) }
      try Self.send(Array(head.utf8) + bytes, to: descriptor)
      return Self.read(most, from: descriptor)
    }
  }

  private static func connect(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      close(descriptor)
      throw ChildTool.Failure(description: "connect \(errno)")
    }
    return descriptor
  }

  private static func send(_ bytes: [UInt8], to descriptor: Int32) throws {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ChildTool.Failure(description: "send \(errno)") }
      sent += count
    }
  }

  private static func read(_ most: Int, from descriptor: Int32) -> Int {
    var got = 0
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while got < most {
      let count = unsafe recv(descriptor, &buffer, min(buffer.count, most - got), 0)
      guard count > 0 else { break }
      got += count
    }
    return got
  }
}
