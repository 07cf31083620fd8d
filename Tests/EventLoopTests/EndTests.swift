import EventLoop
import Glibc
import Testing

/// The end of a loop. Each in a process of its own, because descriptors are counted.
@Suite(.timeLimit(.minutes(1))) struct EndTests {
  @Test func `run returns when everything is closed and everybody knows`() async {
    await #expect(processExitsWith: .success) {
      let before = openSockets()
      let (told, child) = try await Crowd().buildAndStop()
      #expect(told.filter { $0 == "stream loopStopped" }.count == 2 * 200 + 2)
      #expect(told.filter { $0 == "connect loopStopped" }.count == 3)
      #expect(told.filter { $0 == "sleep ended" }.count == 100)
      #expect(told.count == 402 + 3 + 100)
      #expect(openSockets() == before)
      // The child was let go of, without a signal.
      #expect(isRunning(child))
      kill(child, SIGKILL)
    }
  }

  @Test func `a loop that never ran leaves nothing`() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<100 {
        let loop = try EventLoop(name: "unused")
        loop.execute {}
        loop.schedule(after: .seconds(1)) {}
      }
      // Each has an epoll descriptor and an eventfd while it lives; the runtime has some too.
      #expect(openDescriptors { $0.contains("eventpoll") || $0.contains("eventfd") }.count < 20)
    }
  }

  @Test func `what was set up before run works, on the thread that calls run`() async throws {
    let scratch = try Scratch()
    let seen = Shelf<[String]>([])
    await withCheckedContinuation { continuation in
      BlockingThread { continuation.resume() }.run {
        guard let loop = try? EventLoop(name: "main"),
          let listener = try? Listener.unix(path: scratch.path("m.sock"), mode: 0o600, on: loop)
        else { return }
        try? listener.start { stream in
          seen.append("accepted")
          stream.close()
          loop.stop()
        }
        loop.schedule(after: .milliseconds(1)) { seen.append("timer \(loop.isCurrent)") }
        loop.execute { seen.append("execute \(loop.isCurrent)") }
        #expect(!loop.isCurrent)
        let client = try? connectedSocket(scratch.path("m.sock"))
        loop.run()
        #expect(!loop.isCurrent)
        client.map { _ = close($0) }
      }
    }
    #expect(seen.value.contains("execute true"))
    #expect(seen.value.contains("accepted"))
    #expect(scratch.names == [])
  }

  @Test func `a stop before run ends it at once, a second stop is nothing`() async throws {
    let loop = try EventLoop(name: "stopped")
    loop.stop()
    loop.stop()
    try loop.start()
    await end(loop)
    loop.stop()
    loop.execute { Issue.record("The loop has ended.") }
  }

  @Test func `work for an ended loop is refused or dropped, never a trap`() async throws {
    let loop = try EventLoop(name: "ended")
    try loop.start()
    let (near, far) = MemoryStream.pair(loop, loop)
    await end(loop)
    #expect(throws: EventLoopError.self) {
      try Listener.tcp(host: "127.0.0.1", port: 0, on: loop).start { (_: SocketStream) in }
    }
    #expect(throws: EventLoopError.self) { try SignalWatch(SIGUSR2, on: loop) {} }
    #expect(throws: EventLoopError.self) {
      try ChildProcess(ChildLaunch("true"), on: loop) { _ in }
    }
    #expect(loop.schedule(after: .zero) {}.isArmed == false)
    near.write("nobody")
    near.close()
    far.close()
  }
}

/// What the kernel calls the open descriptors that `isMeant`, sorted.
func openDescriptors(_ isMeant: (String) -> Bool) -> [String] {
  DirectoryWatch.entries(of: "/proc/self/fd").compactMap { descriptor in
    var bytes = [CChar](repeating: 0, count: 256)
    let count = unsafe readlink("/proc/self/fd/\(descriptor)", &bytes, bytes.count)
    let letters = bytes.prefix(max(0, count)).map(UInt8.init(bitPattern:))
    let name = String(decoding: letters, as: UTF8.self)
    return isMeant(name) ? name : nil
  }.sorted()
}

/// Sockets and inotify descriptors: neither the runtime nor libuv for itself opens those.
func openSockets() -> [String] {
  openDescriptors { $0.hasPrefix("socket:") || $0.contains("inotify") }
}

/// Everything a loop can have open, and what its owners were told in the end.
private final class Crowd: @unchecked Sendable {
  // Sendable because all but `told` is touched on the loop's thread only.
  private let told = Shelf<[String]>([])
  private var kept: [AnyObject] = []
  private var connected = 0
  private var child: Int32 = 0

  func buildAndStop() async throws -> (told: [String], child: Int32) {
    let scratch = try Scratch()
    let loop = try EventLoop(name: "crowd")
    try loop.start()
    let full = try FullBacklog(at: scratch.path("full.sock"))
    try await loop.perform { try self.build(on: loop, scratch: scratch, full: full.path) }
    let sleeps = (0..<100).map { _ in
      Task {
        do { try await loop.sleep(for: .seconds(3600)) } catch { self.told.append("sleep ended") }
      }
    }
    try await loop.wait("all connected") { self.connected == 400 }
    try await loop.sleep(for: .milliseconds(20))
    await end(loop)
    for sleep in sleeps { await sleep.value }
    kept = []
    return (told.value, child)
  }

  private func build(on loop: EventLoop, scratch: Scratch, full: String) throws {
    let unix = try Listener.unix(path: scratch.path("a.sock"), mode: 0o600, on: loop)
    let tcp = try Listener.tcp(host: "127.0.0.1", port: 0, on: loop)
    for listener in [unix, tcp] {
      try listener.start { self.keep($0) }
      for _ in 0..<100 { connect(listener.address, on: loop) }
    }
    for _ in 0..<3 {
      _ = SocketStream.connect(to: .unix(path: full), on: loop, timeout: .seconds(3600)) {
        if case .failure(let error) = $0 { self.told.append("connect \(error.code)") }
      }
    }
    let (near, far) = MemoryStream.pair(loop, loop)
    for stream in [near, far] { stream.start(owner()) }
    for number in 0..<1000 { loop.schedule(after: .seconds(60 + number)) {} }
    kept.append(DirectoryWatch(path: scratch.directory, on: loop) {})
    kept.append(DirectoryWatch(path: scratch.path("missing"), on: loop) {})
    kept.append(try SignalWatch(SIGUSR2, on: loop) {})
    var launch = ChildLaunch("/bin/sleep", ["600"])
    launch.output = .lines { _ in }
    let process = try ChildProcess(launch, on: loop) { _ in self.told.append("exit") }
    child = process.pid
  }

  private func connect(_ address: SocketAddress, on loop: EventLoop) {
    _ = SocketStream.connect(to: address, on: loop, timeout: .seconds(20)) { result in
      guard let stream = try? result.get() else { return }
      self.keep(stream)
      // Some are stuck in a write when the end comes.
      if self.connected.isMultiple(of: 10) {
        stream.write([UInt8](repeating: 0, count: 1 << 20))
      }
    }
  }

  private func keep(_ stream: SocketStream) {
    connected += 1
    stream.start(owner())
    stream.pauseReading()
  }

  private func owner() -> Recorder {
    let recorder = Recorder()
    let told = told
    recorder.onClosed = { error in told.append("stream \(error.map { "\($0.code)" } ?? "nil")") }
    return recorder
  }
}
