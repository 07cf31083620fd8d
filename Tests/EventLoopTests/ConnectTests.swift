import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConnectTests {
  @Test func `nobody listening, no such path and no access are told apart`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let missing = await loop.connect(.unix(path: scratch.path("missing.sock")))
      #expect(missing.code == .notFound)
      #expect(missing.description.contains(scratch.path("missing.sock")))
      try bindAndLeave(scratch.path("stale.sock"))
      #expect(
        await loop.connect(.unix(path: scratch.path("stale.sock"))).code == .connectionRefused)
      scratch.write("", to: "file")
      #expect(await loop.connect(.unix(path: scratch.path("file"))).code == .connectionRefused)
      let port = try await loop.freePort()
      #expect(await loop.connect(.tcp(host: "127.0.0.1", port: port)).code == .connectionRefused)
    }
  }

  @Test func `a path over 107 bytes is refused by name, at connect and at listen`() async throws {
    let long = "/tmp/" + String(repeating: "x", count: 103)
    #expect(long.utf8.count == 108)
    try await withLoop { loop in
      let error = await loop.connect(.unix(path: long))
      #expect(error.code == .socketPathTooLong)
      #expect(error.description.contains("107"))
      let listening = await #expect(throws: EventLoopError.self) {
        try await loop.perform { _ = try Listener.unix(path: long, mode: 0o600, on: loop) }
      }
      #expect(listening?.code == .socketPathTooLong)
      #expect(await loop.connect(.unix(path: "")).code == .addressInvalid)
      #expect(await loop.connect(.unix(path: "/tmp/a\0b")).code == .addressInvalid)
    }
  }

  @Test func `a host that does not answer times out`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      // A backlog of zero that is full: the kernel answers EAGAIN until somebody accepts.
      let listening = try FullBacklog(at: scratch.path("full.sock"))
      let start = ContinuousClock.now
      let error = await loop.connect(.unix(path: listening.path), timeout: .milliseconds(80))
      #expect(error.code == .timedOut)
      #expect(ContinuousClock.now - start >= .milliseconds(80))
      // Once there is room, a waiting connect goes through.
      let stream = OnLoop<SocketStream?>(nil)
      try await loop.perform {
        _ = SocketStream.connect(to: .unix(path: listening.path), on: loop, timeout: .seconds(20)) {
          stream.value = try? $0.get()
        }
      }
      try await loop.sleep(for: .milliseconds(20))
      listening.acceptAll()
      try await loop.wait("connected at last") { stream.value != nil }
    }
  }

  @Test func `a cancelled connect is never heard of`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let heard = Shelf(0)
      let listening = try FullBacklog(at: scratch.path("full.sock"))
      let addresses: [SocketAddress] = [
        .unix(path: listening.path), .unix(path: scratch.path("missing")),
        .tcp(host: "127.0.0.1", port: 1), .tcp(host: "localhost", port: 1),
      ]
      try await loop.perform {
        for address in addresses {
          let attempt = SocketStream.connect(to: address, on: loop, timeout: .milliseconds(30)) {
            _ in heard.change { $0 += 1 }
          }
          attempt.cancel()
          attempt.cancel()
        }
      }
      try await loop.sleep(for: .milliseconds(80))
      #expect(heard.value == 0)
    }
  }

  @Test func `a host name is resolved and each of its addresses tried`() async throws {
    try await withLoop { loop in
      let accepted = Shelf<[String]>([])
      let listener = OnLoop<Listener?>(nil)
      let port = try await loop.perform {
        let opened = try Listener.tcp(host: "localhost", port: 0, on: loop)
        listener.value = opened
        try opened.start { stream in accepted.append(stream.label) }
        guard case .tcp(_, let port) = opened.address else { return UInt16(0) }
        return port
      }
      #expect(port != 0)
      let stream = OnLoop<SocketStream?>(nil)
      try await loop.perform {
        _ = SocketStream.connect(
          to: .tcp(host: "localhost", port: port), on: loop, timeout: .seconds(10)
        ) { stream.value = try? $0.get() }
      }
      try await loop.wait("connected") { stream.value != nil && !accepted.value.isEmpty }
      let (label, peer) = try await loop.perform { (stream.value?.label, stream.value?.peer) }
      #expect(label == "tcp:127.0.0.1:\(port)")
      #expect(peer == nil)
      let unknown = await loop.connect(.tcp(host: "no-such-host.invalid", port: 1))
      #expect(unknown.code == .notFound)
    }
  }

  @Test func `a socket over IPv6 has brackets in its name`() async throws {
    #expect(SocketAddress.tcp(host: "::1", port: 80).description == "tcp:[::1]:80")
    #expect(SocketAddress.unix(path: "/run/a.sock").description == "unix:/run/a.sock")
  }

  @Test func `the peer's credentials are the kernel's`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let connection = try await loop.connection(over: .unix, scratch: scratch)
      let own = PeerCredentials(uid: geteuid(), gid: getegid(), pid: getpid())
      #expect(try await loop.perform { connection.value.far.peer } == own)
      #expect(try await loop.perform { connection.value.near.peer } == own)
      let label = try await loop.perform { connection.value.far.label }
      #expect(label == "unix:\(scratch.path("c.sock"))")
    }
  }

  @Test func `a descriptor that is no socket is refused and closed`() async throws {
    var ends: [Int32] = [0, 0]
    unsafe pipe(&ends)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    try await withLoop { loop in
      let error = await #expect(throws: EventLoopError.self) {
        try await loop.perform {
          _ = try SocketStream.adopt(descriptor: writeEnd, kind: .tcp, on: loop)
        }
      }
      #expect(error?.code == .notASocket)
    }
    // The end of the pipe: nobody holds its other side any more.
    var byte: UInt8 = 0
    #expect(unsafe read(readEnd, &byte, 1) == 0)
    close(readEnd)
  }
}

extension EventLoop {
  /// The error of a connect that is expected to fail.
  func connect(_ address: SocketAddress, timeout: Duration = .seconds(10)) async -> EventLoopError {
    await withCheckedContinuation { continuation in
      execute {
        _ = SocketStream.connect(to: address, on: self, timeout: timeout) { result in
          switch result {
          case .success(let stream):
            stream.close()
            continuation.resume(returning: EventLoopError(.system, "it connected"))
          case .failure(let error): continuation.resume(returning: error)
          }
        }
      }
    }
  }

  /// A port that nobody listens on (any more).
  func freePort() async throws -> UInt16 {
    try await perform {
      let listener = try Listener.tcp(host: "127.0.0.1", port: 0, on: self)
      defer { listener.close() }
      guard case .tcp(_, let port) = listener.address else { return 1 }
      return port
    }
  }
}

/// What a server that was killed leaves behind: a socket nobody listens on.
func bindAndLeave(_ path: String) throws {
  let descriptor = try boundSocket(path)
  close(descriptor)
}

func boundSocket(_ path: String) throws -> Int32 {
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
  let status = unsafe withUnsafePointer(to: &address) {
    unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard status == 0 else { throw EventLoopError(.system, "bind") }
  return descriptor
}

/// A Unix socket that listens with its backlog full.
final class FullBacklog: Sendable {
  let path: String
  private let descriptor: Int32
  private let waiting: [Int32]

  init(at path: String) throws {
    self.path = path
    descriptor = try boundSocket(path)
    listen(descriptor, 0)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    var waiting: [Int32] = []
    var status: Int32 = 0
    while status == 0 && waiting.count < 16 {
      let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      _ = fcntl(client, F_SETFL, O_NONBLOCK)
      status = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      waiting.append(client)
    }
    self.waiting = waiting
  }

  func acceptAll() {
    while true {
      let accepted = accept(descriptor, nil, nil)
      guard accepted >= 0 else { return }
      close(accepted)
    }
  }

  deinit {
    for client in waiting { close(client) }
    close(descriptor)
  }
}
