import EventLoop
import Glibc
import Testing

/// A full descriptor table. In a process of its own, because the table is the process's.
@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
  @Test func `newcomers are turned away, connections go on, nothing spins, then all is well`()
    async
  {
    await #expect(processExitsWith: .success) {
      let scratch = try Scratch()
      let path = scratch.path("a.sock")
      let refusals = Shelf<[Listener.RefusalReason]>([])
      let cpu = Shelf<Double>(0)
      try await withLoop { loop in
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

        let newcomers = (0..<5).map { _ in socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) }
        let fillers = fillTable()
        #expect(!fillers.isEmpty)
        try await loop.perform { cpu.value = threadSeconds() }
        for newcomer in newcomers { #expect(connectBlocking(newcomer, path) == 0) }
        for newcomer in newcomers {
          var byte: UInt8 = 0
          #expect(unsafe read(newcomer, &byte, 1) == 0)
          close(newcomer)
        }
        #expect(refusals.value == Array(repeating: .descriptors, count: 5))
        #expect(echo("meanwhile", over: first) == "meanwhile")
        // Still full: the loop has to be at rest.
        try await loop.sleep(for: .milliseconds(300))
        let used = try await loop.perform { threadSeconds() - cpu.value }
        #expect(used < 0.15)

        for filler in fillers { close(filler) }
        let last = try connectedSocket(path)
        #expect(echo("after", over: last) == "after")
        close(first)
        close(last)
        try await loop.perform { listener.value?.close() }
      }
    }
  }

  @Test func `without even a spare descriptor accepting rests and comes back`() async {
    await #expect(processExitsWith: .success) {
      let scratch = try Scratch()
      let path = scratch.path("a.sock")
      let refusals = Shelf(0)
      try await withLoop { loop in
        let waiting = [socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)]
        let early = fillTable()
        close(early[0])
        // The one free place goes to the listening socket: none is left for the spare.
        let listener = try await loop.listen(
          path,
          onAccept: { stream in
            stream.write("hello")
            stream.finishWriting()
          }, onRefused: { _ in refusals.change { $0 += 1 } })
        #expect(connectBlocking(waiting[0], path) == 0)
        try await loop.wait("refused for want of descriptors") { refusals.value > 0 }
        let before = try await loop.perform { threadSeconds() }
        try await loop.sleep(for: .milliseconds(350))
        #expect(try await loop.perform { threadSeconds() } - before < 0.15)
        #expect(refusals.value < 10)
        for filler in early.dropFirst() { close(filler) }
        // The newcomer has waited in the backlog, and is served now.
        var bytes = [UInt8](repeating: 0, count: 5)
        #expect(unsafe read(waiting[0], &bytes, 5) == 5)
        try await loop.perform { listener.value?.close() }
      }
    }
  }

  @Test func `a loop, a connect, a child and a pipe without descriptors throw`() async {
    await #expect(processExitsWith: .success) {
      try await withLoop { loop in
        let scratch = try Scratch()
        try bindAndLeave(scratch.path("s.sock"))
        let fillers = fillTable()
        let failed = #expect(throws: EventLoopError.self) { try EventLoop(name: "one too many") }
        let connecting = await loop.connect(.unix(path: scratch.path("s.sock")))
        let tcp = await loop.connect(.tcp(host: "127.0.0.1", port: 1))
        let listening = await loop.listenError(scratch.path("b.sock"))
        let starting = await #expect(throws: EventLoopError.self) {
          try await loop.perform {
            _ = try loop.start(ChildLaunch("/bin/true"), into: Shelf(ChildLog()))
          }
        }
        for filler in fillers { close(filler) }
        for error in [failed, connecting, tcp, listening, starting] {
          #expect(error?.code == .descriptorsExhausted)
        }
        #expect(try await loop.runToExit(ChildLaunch("/bin/true")).exit?.isSuccess == true)
      }
    }
  }
}

/// Lowers the bound and fills the table; returns the fillers.
func fillTable() -> [Int32] {
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

func echo(_ text: String, over descriptor: Int32) -> String {
  let bytes = Array(text.utf8)
  guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { return "" }
  var answer = [UInt8](repeating: 0, count: bytes.count)
  let count = unsafe read(descriptor, &answer, answer.count)
  return String(decoding: answer.prefix(max(0, count)), as: UTF8.self)
}

/// CPU time of the calling thread.
func threadSeconds() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
