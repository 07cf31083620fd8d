import EventLoop
import Glibc
import Testing

/// A full descriptor table: that of the loop's thread alone, because the runtime's threads open
/// and close descriptors of their own, and end the process when they cannot. In a process of
/// its own, because the bound is the process's.
@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
  @Test func `newcomers are turned away, connections go on, nothing spins, then all is well`()
    async
  {
    await #expect(processExitsWith: .success) {
      let scratch = try Scratch()
      let path = scratch.path("a.sock")
      let refusals = Shelf<[Listener.RefusalReason]>([])
      try await withLoopOfItsOwnTable { loop in
        let listener = try await loop.listen(
          path,
          onAccept: { stream in
            let owner = Recorder()
            owner.onRead = { bytes in stream.write(bytes) }
            stream.start(owner)
          },
          onRefused: { reason in refusals.append(reason) })
        let first = try connectedSocket(path)
        #expect(echo("before", over: first) == "before")

        let (fillers, before) = try await loop.perform { (fillTable(), threadSeconds()) }
        let newcomers = try (0..<5).map { _ in try connectedSocket(path) }
        for newcomer in newcomers {
          var byte: UInt8 = 0
          #expect(unsafe read(newcomer, &byte, 1) == 0)
        }
        try await loop.wait("five were turned away") { refusals.value.count == 5 }
        #expect(refusals.value.allSatisfy { $0 == .descriptors })
        #expect(echo("meanwhile", over: first) == "meanwhile")
        // Still full: the loop has to be at rest.
        try await loop.sleep(for: .milliseconds(300))
        #expect(try await loop.perform { threadSeconds() } - before < 0.15)

        try await loop.perform { for filler in fillers { close(filler) } }
        let last = try connectedSocket(path)
        #expect(echo("after", over: last) == "after")
        for client in newcomers + [first, last] { close(client) }
        try await loop.perform { listener.value?.close() }
      }
    }
  }

  @Test func `without even a spare descriptor accepting rests and comes back`() async {
    await #expect(processExitsWith: .success) {
      let scratch = try Scratch()
      let path = scratch.path("a.sock")
      let refusals = Shelf(0)
      try await withLoopOfItsOwnTable { loop in
        let fillers = try await loop.perform {
          let fillers = fillTable()
          // The one free place goes to the listening socket: none is left for the spare.
          close(fillers[0])
          return fillers.dropFirst()
        }
        let listener = try await loop.listen(
          path,
          onAccept: { stream in
            stream.write("hello")
            stream.finishWriting()
          }, onRefused: { _ in refusals.change { $0 += 1 } })
        let before = try await loop.perform { threadSeconds() }
        let waiting = try connectedSocket(path)
        try await loop.wait("refused for want of descriptors") { refusals.value > 0 }
        try await loop.sleep(for: .milliseconds(350))
        #expect(try await loop.perform { threadSeconds() } - before < 0.15)
        #expect(refusals.value < 10)
        try await loop.perform { for filler in fillers { close(filler) } }
        // The newcomer has waited in the backlog, and is served now.
        var bytes = [UInt8](repeating: 0, count: 5)
        #expect(unsafe read(waiting, &bytes, 5) == 5)
        close(waiting)
        try await loop.perform { listener.value?.close() }
      }
    }
  }

  @Test func `a loop, a connect, a child and a listener without descriptors throw`() async {
    await #expect(processExitsWith: .success) {
      let scratch = try Scratch()
      try bindAndLeave(scratch.path("s.sock"))
      try await withLoopOfItsOwnTable { loop in
        let fillers = try await loop.perform { fillTable() }
        let creating = await #expect(throws: EventLoopError.self) {
          try await loop.perform { _ = try EventLoop(name: "one too many") }
        }
        let connecting = await loop.connect(.unix(path: scratch.path("s.sock")))
        let overTCP = await loop.connect(.tcp(host: "127.0.0.1", port: 1))
        let listening = await loop.listenError(scratch.path("b.sock"))
        let starting = await #expect(throws: EventLoopError.self) {
          try await loop.perform {
            _ = try loop.start(ChildLaunch("/bin/true"), into: Shelf(ChildLog()))
          }
        }
        try await loop.perform { for filler in fillers { close(filler) } }
        for error in [creating, connecting, overTCP, listening, starting] {
          #expect(error?.code == .descriptorsExhausted)
        }
        let log = try await loop.runToExit(ChildLaunch("/bin/true"))
        #expect(log.exit?.isSuccess == true)
      }
    }
  }
}

/// A loop whose thread has a descriptor table to itself from before its first turn.
private func withLoopOfItsOwnTable(_ body: (EventLoop) async throws -> Void) async throws {
  let loop = try EventLoop(name: "own table")
  BlockingThread {}.run {
    leaveSharedTable()
    loop.run()
  }
  try await body(loop)
  await end(loop)
}

/// `unshare(CLONE_FILES)`, which Swift's Glibc does not import.
private func leaveSharedTable() {
  typealias Unshare = @convention(c) (Int32) -> Int32
  guard let symbol = unsafe dlsym(nil, "unshare") else {
    Issue.record("no unshare")
    return
  }
  let unshare = unsafe unsafeBitCast(symbol, to: Unshare.self)
  let cloneFiles: Int32 = 0x400
  #expect(unshare(cloneFiles) == 0)
}

/// Lowers the process's bound and fills the calling thread's table; returns the fillers.
private func fillTable() -> [Int32] {
  var limit = rlimit()
  unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = 256
  unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  var fillers: [Int32] = []
  while true {
    let filler = fcntl(0, F_DUPFD_CLOEXEC, 0)
    guard filler >= 0 else { return fillers }
    fillers.append(filler)
  }
}

private func echo(_ text: String, over descriptor: Int32) -> String {
  let bytes = Array(text.utf8)
  guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { return "" }
  var answer = [UInt8](repeating: 0, count: bytes.count)
  let count = unsafe read(descriptor, &answer, answer.count)
  return String(decoding: answer.prefix(max(0, count)), as: UTF8.self)
}

/// CPU time of the calling thread.
private func threadSeconds() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
