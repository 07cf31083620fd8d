import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
  @Test func `lines of both outputs and the status arrive, the exit last`() async throws {
    try await withLoop { loop in
      let script = "echo one; echo; echo err >&2; printf 'no newline'; exit 3"
      let log = try await loop.runToExit(ChildLaunch("/bin/sh", ["-c", script]))
      #expect(log.out == ["one", "", "no newline"])
      #expect(log.err == ["err"])
      #expect(log.exit == .init(status: 3, signal: 0))
      #expect(log.linesAtExit == 4)
    }
  }

  @Test func `all of a large output arrives before the exit`() async throws {
    try await withLoop { loop in
      let script =
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890; i=$((i+1)); done"
      let log = try await loop.runToExit(ChildLaunch("sh", ["-c", script]))
      #expect(log.out.count == 3000)
      #expect(log.linesAtExit == 3000)
      #expect(log.exit?.isSuccess == true)
    }
  }

  @Test func `a line over the limit comes in pieces and no bytes trap`() async throws {
    try await withLoop { loop in
      let max = ChildLaunch.lineBytesMax
      let script =
        "head -c \(max + 10) /dev/zero | tr '\\0' x; echo; printf '\\377\\376\\n'; "
        + "head -c \(max) /dev/zero | tr '\\0' y; echo; echo end"
      let log = try await loop.runToExit(ChildLaunch("/bin/sh", ["-c", script]))
      #expect(log.out.map(\.utf8.count) == [max, 10, 6, max, 3])
      #expect(log.out[2] == "\u{FFFD}\u{FFFD}")
    }
  }

  @Test func `a kill is told as its signal`() async throws {
    try await withLoop { loop in
      let log = Shelf(ChildLog())
      let child = OnLoop<ChildProcess?>(nil)
      try await loop.perform {
        child.value = try loop.start(ChildLaunch("/bin/sleep", ["3600"]), into: log)
        #expect(child.value?.exit == nil)
        #expect(child.value?.kill(SIGKILL) == true)
      }
      try await loop.wait("it exits") { log.value.exit != nil }
      #expect(log.value.exit == .init(status: 0, signal: SIGKILL))
      #expect(try await loop.perform { child.value?.kill(SIGTERM) } == false)
    }
  }

  @Test func `a kill of the whole group reaches grandchildren`() async throws {
    try await withLoop { loop in
      let log = Shelf(ChildLog())
      let child = OnLoop<ChildProcess?>(nil)
      try await loop.perform {
        var launch = ChildLaunch("/bin/sh", ["-c", "sleep 3600 & echo $!; wait"])
        launch.leadsSession = true
        child.value = try loop.start(launch, into: log)
      }
      try await loop.wait("the grandchild runs") { log.value.out.count == 1 }
      let grandchild = try #require(Int32(log.value.out[0]))
      #expect(getsid(grandchild) == (try await loop.perform { child.value?.pid }))
      try await loop.perform { _ = child.value?.kill(SIGKILL, wholeGroup: true) }
      try await loop.wait("it exits") { log.value.exit?.signal == SIGKILL }
      try await loop.wait("the grandchild is gone") { !isRunning(grandchild) }
    }
  }

  @Test func `environment, directory, input and descriptors are what was asked for`() async throws {
    let scratch = try Scratch()
    scratch.write("from a descriptor", to: "input")
    let file = unsafe open(scratch.path("input"), O_RDONLY | O_CLOEXEC)
    let third = unsafe open(scratch.path("input"), O_RDONLY | O_CLOEXEC)
    try await withLoop { loop in
      var launch = ChildLaunch(
        "/bin/sh", ["-c", "pwd; echo $A; env | wc -l; cat; echo; cat <&3; echo"],
        environment: ["A": "a = b", "PATH": "/bin:/usr/bin"], workingDirectory: scratch.directory)
      launch.input = .descriptor(file)
      launch.descriptors = [third]
      let log = try await loop.runToExit(launch)
      // sh adds PWD.
      #expect(log.out.prefix(3) == [scratch.directory, "a = b", "3"][...])
      #expect(log.out[3...] == ["from a descriptor", "from a descriptor"][...])
    }
    close(file)
    close(third)
  }

  @Test func `no descriptor of a loop, a listener or a stream slips into a child`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let streams = OnLoop<[SocketStream]>([])
      let listener = try await loop.listen(
        scratch.path("a.sock"), onAccept: { streams.value.append($0) })
      try await loop.perform {
        _ = SocketStream.connect(
          to: .unix(path: scratch.path("a.sock")), on: loop, timeout: .seconds(10)
        ) { streams.value += (try? [$0.get()]) ?? [] }
      }
      try await loop.wait("both ends are there") { streams.value.count == 2 }
      let script = """
        ls -l /proc/self/fd | grep -c -e eventpoll -e eventfd -e inotify
        for inode in $(awk -v p=$1 'index($8, p) { print $7 }' /proc/net/unix); do
          echo inode; ls -l /proc/self/fd | grep "\\[$inode\\]"
        done
        """
      var launch = ChildLaunch("/bin/sh", ["-c", script, "sh", scratch.directory])
      launch.input = .inherit
      let log = try await loop.runToExit(launch)
      // The listener and the accepted end are known to the kernel by its path.
      #expect(log.out == ["0", "inode", "inode"])
      try await loop.perform { listener.value?.close() }
    }
  }

  @Test func `output goes to a descriptor or nowhere`() async throws {
    let scratch = try Scratch()
    let file = unsafe open(scratch.path("out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try await withLoop { loop in
      let log = Shelf(ChildLog())
      try await loop.perform {
        var launch = ChildLaunch("/bin/sh", ["-c", "echo 12345; echo gone >&2"])
        launch.output = .descriptor(file)
        launch.errorOutput = .null
        _ = try ChildProcess(launch, on: loop) { exit in log.change { $0.exit = exit } }
      }
      try await loop.wait("it exits") { log.value.exit?.isSuccess == true }
    }
    close(file)
    #expect(fileStatus(scratch.path("out"))?.st_size == 6)
  }

  @Test func `what cannot be started says why and leaves nothing open`() async throws {
    let scratch = try Scratch()
    scratch.write("#!/bin/sh\n", to: "not-executable")
    try await withLoop { loop in
      let cases: [(ChildLaunch, EventLoopError.Code)] = [
        (ChildLaunch("/no/such/program"), .notFound),
        (ChildLaunch("no-such-program-anywhere"), .notFound),
        (ChildLaunch(scratch.path("not-executable")), .permissionDenied),
        (ChildLaunch("/bin/true", workingDirectory: "/no/such/directory"), .notFound),
        (ChildLaunch("/bin/true", ["a\0b"]), .argumentInvalid),
        (ChildLaunch("/bin/true", environment: ["A=B": "c"]), .argumentInvalid),
        (ChildLaunch(""), .argumentInvalid),
      ]
      for (launch, code) in cases {
        let unchecked = OnLoop(launch)
        let error = await #expect(throws: EventLoopError.self) {
          try await loop.perform { _ = try loop.start(unchecked.value, into: Shelf(ChildLog())) }
        }
        #expect(error?.code == code, "\(launch.executable)")
      }
    }
  }

  @Test func `a child may be started as another user`() async throws {
    guard geteuid() == 0 else { return }
    try await withLoop { loop in
      var launch = ChildLaunch("/bin/sh", ["-c", "id -u; id -g; id -G"])
      launch.uid = 65534
      launch.gid = 65534
      let log = try await loop.runToExit(launch)
      #expect(log.out == ["65534", "65534", "65534"])
    }
  }
}

/// What a child said. `linesAtExit` counts what had arrived when its exit did.
struct ChildLog: Sendable {
  var out: [String] = []
  var err: [String] = []
  var exit: ChildProcess.Exit?
  var linesAtExit = 0
}

extension EventLoop {
  func start(_ launch: ChildLaunch, into log: Shelf<ChildLog>) throws -> ChildProcess {
    var launch = launch
    launch.output = .lines { line in log.change { $0.out.append(line) } }
    launch.errorOutput = .lines { line in log.change { $0.err.append(line) } }
    return try ChildProcess(launch, on: self) { exit in
      log.change {
        $0.linesAtExit = $0.out.count + $0.err.count
        $0.exit = exit
      }
    }
  }

  func runToExit(_ launch: ChildLaunch) async throws -> ChildLog {
    let log = Shelf(ChildLog())
    let launch = OnLoop(launch)
    try await perform { _ = try self.start(launch.value, into: log) }
    try await wait("\(launch.value.executable) exits") { log.value.exit != nil }
    return log.value
  }
}

/// Whether the process exists and is not a zombie.
func isRunning(_ pid: Int32) -> Bool {
  let file = unsafe open("/proc/\(pid)/stat", O_RDONLY)
  guard file >= 0 else { return false }
  defer { close(file) }
  var bytes = [UInt8](repeating: 0, count: 512)
  let count = unsafe read(file, &bytes, bytes.count)
  let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  return !text.contains(") Z ") && count > 0
}
