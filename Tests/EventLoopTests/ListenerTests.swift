import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
  @Test func `a stale socket is taken over`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.sock")
    try bindAndLeave(path)
    let stale = fileStatus(path)
    try await withLoop { loop in
      let listener = try await loop.listen(path)
      #expect(fileStatus(path)?.st_ino != stale?.st_ino)
      #expect(await loop.canConnect(path))
      #expect(scratch.names == ["a.sock"])
      try await loop.perform { listener.value?.close() }
      #expect(scratch.names == [])
    }
  }

  @Test func `a live socket is refused by name and goes on living`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.sock")
    try await withLoop { loop in
      let listener = try await loop.listen(path)
      let before = fileStatus(path)?.st_ino
      let error = await loop.listenError(path)
      #expect(error?.code == .addressInUse)
      #expect(error?.description.contains(path) == true)
      #expect(fileStatus(path)?.st_ino == before)
      #expect(await loop.canConnect(path))
      #expect(scratch.names == ["a.sock"])
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `a live socket with a full backlog is live`() async throws {
    let scratch = try Scratch()
    let full = try FullBacklog(at: scratch.path("full.sock"))
    try await withLoop { loop in
      #expect(await loop.listenError(full.path)?.code == .addressInUse)
    }
  }

  @Test func `files, directories and links are refused and left alone`() async throws {
    let scratch = try Scratch()
    scratch.write("precious", to: "file")
    unsafe mkdir(scratch.path("directory"), 0o700)
    unsafe symlink(scratch.path("file"), scratch.path("link"))
    try bindAndLeave(scratch.path("stale.sock"))
    unsafe symlink(scratch.path("stale.sock"), scratch.path("link.sock"))
    unsafe symlink(scratch.path("nowhere"), scratch.path("dangling"))
    let before = scratch.names
    try await withLoop { loop in
      for name in ["file", "directory", "link", "link.sock", "dangling"] {
        let error = await loop.listenError(scratch.path(name))
        #expect(error?.code == .notASocket, "\(name)")
      }
      #expect(await loop.listenError(scratch.path("no/such/directory"))?.code == .notFound)
      #expect(await loop.listenError(scratch.path("file/a.sock"))?.code == .notFound)
    }
    #expect(scratch.names == before)
    #expect(fileStatus(scratch.path("file"))?.st_size == 8)
  }

  @Test(arguments: [0o600, 0o660, 0o666] as [UInt32])
  func `the mode is set whatever the umask`(_ mode: UInt32) async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let listener = try await loop.listen(scratch.path("m.sock"), mode: mode)
      #expect(fileStatus(scratch.path("m.sock")).map { $0.st_mode & 0o777 } == mode)
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `whoever finds the path finds a server that listens`() async throws {
    let scratch = try Scratch()
    let current = Shelf(0)
    let done = Shelf(false)
    let refused = Shelf(0)
    let found = Shelf(0)
    // A client that looks all the time: it may find nothing or a server, but no half server.
    let client = Task {
      while !done.value {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = connectBlocking(descriptor, scratch.path("\(current.value).sock"))
        if status == 0 { found.change { $0 += 1 } }
        if status == ECONNREFUSED { refused.change { $0 += 1 } }
        close(descriptor)
        await Task.yield()
      }
    }
    try await withLoop { loop in
      for number in 0..<200 {
        current.value = number
        _ = try await loop.listen(scratch.path("\(number).sock"))
      }
      try await loop.wait("a client came in") { found.value > 0 }
      done.value = true
      await client.value
    }
    #expect(refused.value == 0)
    #expect(scratch.names == [])
  }

  @Test func `a leftover temporary name does not stop the start`() async throws {
    let scratch = try Scratch()
    try bindAndLeave(scratch.path("a.sock.\(getpid()).tmp"))
    try await withLoop { loop in
      let listener = try await loop.listen(scratch.path("a.sock"))
      #expect(scratch.names == ["a.sock"])
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `a path of exactly 107 bytes works although its temporary name is longer`()
    async throws
  {
    let scratch = try Scratch()
    let name = String(repeating: "n", count: 107 - scratch.directory.utf8.count - 1)
    let path = scratch.path(name)
    #expect(path.utf8.count == 107)
    try await withLoop { loop in
      let listener = try await loop.listen(path)
      #expect(await loop.canConnect(path))
      #expect(scratch.names == [name])
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `closing leaves alone a path that another server has taken`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.sock")
    try await withLoop { loop in
      let first = try await loop.listen(path)
      unsafe unlink(path)
      let second = try await loop.listen(path)
      try await loop.perform { first.value?.close() }
      #expect(await loop.canConnect(path))
      try await loop.perform { second.value?.close() }
      #expect(scratch.names == [])
    }
  }

  @Test func `newcomers beyond the bound are turned away and the others go on`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("a.sock")
    let refusals = Shelf<[Listener.RefusalReason]>([])
    try await withLoop { loop in
      let streams = OnLoop<[SocketStream]>([])
      let listener = try await loop.listen(
        path, options: ListenerOptions(connectionsMax: 2),
        onAccept: { streams.value.append($0) },
        onRefused: { reason in refusals.change { $0.append(reason) } })
      let clients = try (0..<3).map { _ in try connectedSocket(path) }
      try await loop.wait("one is refused") { refusals.value == [.connections] }
      var byte: UInt8 = 0
      #expect(unsafe read(clients[2], &byte, 1) == 0)
      #expect(try await loop.perform { listener.value?.connectionCount } == 2)
      try await loop.perform { streams.value[0].close() }
      try await loop.wait("there is room again") { listener.value?.connectionCount == 1 }
      let next = try connectedSocket(path)
      try await loop.wait("the next is in") { streams.value.count == 3 }
      for client in clients + [next] { close(client) }
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `an inherited socket is served and its path kept`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("in.sock")
    let descriptor = try boundSocket(path)
    listen(descriptor, 16)
    try await withLoop { loop in
      let streams = OnLoop<[SocketStream]>([])
      let address = try await loop.perform {
        let listener = try Listener.inherited(descriptor: descriptor, on: loop)
        try listener.start { streams.value.append($0) }
        return listener.address
      }
      #expect(address == .unix(path: path))
      let client = try connectedSocket(path)
      try await loop.wait("it is served") { streams.value.count == 1 }
      close(client)
      for bad in [try boundSocket(scratch.path("not-listening.sock")), 9999] {
        let error = await #expect(throws: EventLoopError.self) {
          try await loop.perform { _ = try Listener.inherited(descriptor: bad, on: loop) }
        }
        #expect(error?.code == .notASocket)
        close(bad)
      }
    }
    #expect(scratch.names.contains("in.sock"))
  }

  @Test func `a port in use and a host that is no address are told apart`() async throws {
    try await withLoop { loop in
      let listener = OnLoop<Listener?>(nil)
      let port = try await loop.perform {
        let opened = try Listener.tcp(host: "127.0.0.1", port: 0, on: loop)
        listener.value = opened
        guard case .tcp("127.0.0.1", let port) = opened.address else { return UInt16(0) }
        return port
      }
      #expect(port > 0)
      for (host, code) in [
        ("127.0.0.1", EventLoopError.Code.addressInUse), ("example.org", .addressInvalid),
        ("203.0.113.7", .addressInvalid), ("", .addressInvalid),
      ] {
        let error = await #expect(throws: EventLoopError.self) {
          try await loop.perform { _ = try Listener.tcp(host: host, port: port, on: loop) }
        }
        #expect(error?.code == code, "\(host)")
      }
      try await loop.perform { listener.value?.close() }
    }
  }
}

extension EventLoop {
  func listen(
    _ path: String, mode: UInt32 = 0o600, options: ListenerOptions = ListenerOptions(),
    onAccept: @escaping @Sendable (SocketStream) -> Void = { $0.close() },
    onRefused: @escaping @Sendable (Listener.RefusalReason) -> Void = { _ in }
  ) async throws -> OnLoop<Listener?> {
    try await perform {
      let listener = try Listener.unix(path: path, mode: mode, on: self, options: options)
      try listener.start(onAccept: onAccept, onRefused: onRefused)
      return OnLoop(listener)
    }
  }

  /// The error of a listener that is expected to be refused.
  func listenError(_ path: String) async -> EventLoopError? {
    do {
      let listener = try await listen(path)
      try await perform { listener.value?.close() }
      return nil
    } catch {
      return error as? EventLoopError
    }
  }

  func canConnect(_ path: String) async -> Bool {
    await connect(.unix(path: path)).description == "it connected"
  }
}

func fileStatus(_ path: String) -> stat? {
  var status = stat()
  return unsafe lstat(path, &status) == 0 ? status : nil
}

/// 0 or errno.
func connectBlocking(_ descriptor: Int32, _ path: String) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
  let status = unsafe withUnsafePointer(to: &address) {
    unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  return status == 0 ? 0 : errno
}

func connectedSocket(_ path: String) throws -> Int32 {
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  guard connectBlocking(descriptor, path) == 0 else { throw EventLoopError(.system, "connect") }
  return descriptor
}
