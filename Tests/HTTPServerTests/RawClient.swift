import EventLoop
import Glibc
import HTTPServer

/// A client that sends what it is told, byte for byte, and blocks; for threads of a pool.
final class RawClient {
  struct Answer: Equatable {
    var status = 0
    var headers: [String] = []
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? {
      headers.first { $0.lowercased().hasPrefix(name + ":") }.map {
        String($0.dropFirst(name.count + 1).drop { $0 == " " })
      }
    }
  }

  struct Failure: Error { let what: String }

  let descriptor: Int32
  private var unread: [UInt8] = []
  private(set) var isAtEnd = false

  /// Reads give up after ten seconds: a server that says nothing fails the test.
  init(_ address: SocketAddress, receiveBufferBytes: Int32 = 0) throws {
    switch address {
    case .tcp(let host, let port):
      descriptor = socket(host.contains(":") ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      setBuffer(receiveBufferBytes)
      guard Self.connectTCP(descriptor, host, port) == 0 else {
        throw Failure(what: "connect \(errno)")
      }
    case .unix(let path):
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      guard Self.connectUnix(descriptor, path) == 0 else {
        throw Failure(what: "connect \(errno)")
      }
    }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
  }

  deinit { Glibc.close(descriptor) }

  private func setBuffer(_ byteCount: Int32) {
    guard byteCount > 0 else { return }
    var count = byteCount
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func connectTCP(_ descriptor: Int32, _ host: String, _ port: UInt16) -> Int32 {
    if host.contains(":") {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      unsafe inet_pton(AF_INET6, host, &address.sin6_addr)
      return connect(descriptor, of: &address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    unsafe inet_pton(AF_INET, host, &address.sin_addr)
    return connect(descriptor, of: &address)
  }

  private static func connectUnix(_ descriptor: Int32, _ path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return connect(descriptor, of: &address)
  }

  private static func connect<A>(_ descriptor: Int32, of address: inout A) -> Int32 {
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<A>.size))
      }
    }
  }

  // MARK: Sending

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(what: "send \(errno)") }
      sent += count
    }
  }

  func endSending() { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

  /// A reset instead of a polite end.
  func reset() {
    var off = linger(l_onoff: 1, l_linger: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
  }

  func get(_ target: String, _ headers: String = "") throws -> Answer {
    try send("GET \(target) HTTP/1.1\r\nHost: test\r\n\(headers)\r\n")
    return try answer()
  }

  func post(_ target: String, _ body: String, _ headers: String = "") throws -> Answer {
    try send(
      "POST \(target) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n"
        + "\(headers)\r\n\(body)")
    return try answer()
  }

  // MARK: Receiving

  /// Whether something can be read, or the connection is at its end; waits for it a while.
  func hasAnswer(withinMilliseconds limit: Int32 = 0) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe Glibc.poll(&poll, 1, limit) > 0
  }

  /// Looks every millisecond whether `isTrue`, for ten seconds.
  func wait(_ isTrue: () throws -> Bool) throws {
    for _ in 0..<10_000 {
      if try isTrue() { return }
      var nothing = pollfd(fd: -1, events: 0, revents: 0)
      unsafe Glibc.poll(&nothing, 1, 1)
    }
    throw Failure(what: "waited in vain for ten seconds")
  }

  /// The next answer, whole. `isHead` has a head only.
  func answer(isHead: Bool = false) throws -> Answer {
    var answer = try head()
    if isHead || answer.status < 200 { return answer }
    if answer.header("transfer-encoding") == "chunked" {
      while let chunk = try chunk() { answer.body += chunk }
    } else if let length = answer.header("content-length").flatMap({ Int($0) }) {
      answer.body = try take(length)
    } else {
      answer.body = try rest()
    }
    return answer
  }

  func head() throws -> Answer {
    var answer = Answer()
    let status = try line()
    answer.status = Int(status.split(separator: " ").dropFirst().first ?? "") ?? 0
    while case let field = try line(), !field.isEmpty { answer.headers.append(field) }
    return answer
  }

  /// The next chunk of a chunked body; nil for the last.
  func chunk() throws -> [UInt8]? {
    let size = try line()
    guard let count = Int(size, radix: 16) else { throw Failure(what: "chunk size \(size)") }
    let bytes = try take(count)
    guard try line().isEmpty else { throw Failure(what: "chunk end") }
    return count == 0 ? nil : bytes
  }

  func line() throws -> String {
    while true {
      if let end = unread.firstIndex(of: 10) {
        let line = unread[..<end].filter { $0 != 13 }
        unread.removeFirst(end + 1)
        return String(decoding: line, as: UTF8.self)
      }
      guard try fill() else { throw Failure(what: "end within a line") }
    }
  }

  func take(_ count: Int) throws -> [UInt8] {
    while unread.count < count {
      guard try fill() else { throw Failure(what: "end within a body") }
    }
    defer { unread.removeFirst(count) }
    return Array(unread[..<count])
  }

  /// Everything up to the server's end; a reset is an end as well.
  func rest() throws -> [UInt8] {
    while try fill() {}
    defer { unread = [] }
    return unread
  }

  private func fill() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
    if count < 0, errno == EAGAIN { throw Failure(what: "nothing came for ten seconds") }
    isAtEnd = count <= 0
    unread += buffer.prefix(max(0, count))
    return count > 0
  }
}
