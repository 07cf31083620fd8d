import Compose
import EventLoop
import Faults
import Glibc
import Machine
import MeshContract
import RPC
import Supervisor
import Testing

@Suite struct SupervisorTests {
  @Test(.timeLimit(.minutes(1)))
  func `everything starts at once, is ready, and ends without a trace`() async throws {
    try await MeshFixture.run([.patient("a", replicas: 2), .patient("b", dependsOn: ["a"])]) {
      mesh in
      let replicas = try await mesh.until("all ready") { all in
        all.count == 3 && all.allSatisfy { $0.state == .ready }
      }
      #expect(replicas.map(\.instance) == ["a-1", "a-2", "b-1"])
      #expect(replicas.allSatisfy { $0.pid > 0 && $0.rssBytes > 0 && $0.readyMs != nil })
      let record = try Files.readText("\(mesh.runPath)/processes")
      #expect(record.split(separator: "\n").count == 4)
      #expect(Files.facts(of: "\(mesh.runPath)/supervisor.sock")?.mode == 0o600)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a killed replica comes back, with another process`() async throws {
    try await MeshFixture.run([.patient("a")]) { mesh in
      let first = try await mesh.until("ready") { $0.first?.state == .ready }[0]
      #expect(kill(first.pid, SIGKILL) == 0)
      let second = try await mesh.until("back") {
        $0.first?.state == .ready && $0.first?.pid != first.pid
      }[0]
      #expect(second.restarts == 1)
      #expect(second.exit == Exit(how: .signal(SIGKILL)))
      #expect(second.lastError == "")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a replica that cannot start is told with its cause and its last lines`() async throws {
    let broken = ComposeService.script("a", "echo one; echo two >&2; exit 3")
    try await MeshFixture.run([broken, .patient("b")]) { mesh in
      let replica = try await mesh.until("failing") { $0.first?.lastError != "" }[0]
      // Three times at least: a busy machine looks later.
      #expect(replica.lastError.hasPrefix("exit status 3, "))
      #expect(replica.lastError.hasSuffix(" times in a row"))
      #expect(replica.exit == Exit(how: .status(3)))
      let log = try Files.readText(replica.logPath).split(separator: "\n")
      #expect(log.sorted().suffix(2) == ["two", "two"])
      try await mesh.until("other is ready") { $0.last?.state == .ready }
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a program that cannot be run at all is told by the system's reason`() async throws {
    let path = "/tmp/assay-noexec-\(getpid())"
    try Files.replace(path, with: "#!/nowhere/at/all\n", mode: 0o700)
    defer { try? Files.remove(path) }
    let service = ComposeService(name: "a", command: [path], restart: .no)
    try await MeshFixture.run([service]) { mesh in
      let replica = try await mesh.until("failed") { $0.first?.state == .failed }[0]
      // setpriv says it with 127; without it libuv does with the system's words.
      #expect(replica.exit == Exit(how: .status(127)) || replica.lastError.contains("no such file"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `policies decide what is started again`() async throws {
    let services: [ComposeService] = [
      .script("done", "exit 0", restart: .no), .script("bad", "exit 1", restart: .no),
      .script("once", "echo x >> tries; exit 1", restart: .onFailure(max: 1)),
    ]
    try await MeshFixture.run(services) { mesh in
      let replicas = try await mesh.until("settled") { all in
        all.allSatisfy { $0.state == .stopped || $0.state == .failed }
      }
      #expect(replicas.map(\.state) == [.stopped, .failed, .failed])
      #expect(try Files.readText("\(mesh.top)/tries") == "x\nx\n")
      try Files.remove("\(mesh.top)/tries")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `those that others depend on are stopped last`() async throws {
    func service(_ name: String, _ dependsOn: [String]) -> ComposeService {
      .script(
        name, "trap 'echo \(name) >> order; exit 0' TERM; echo up; while :; do sleep 0.02; done",
        dependsOn: dependsOn)
    }
    let services = [service("store", []), service("edge", ["mid"]), service("mid", ["store"])]
    try await MeshFixture.run(services) { mesh in
      try await mesh.until("ready") { $0.allSatisfy { $0.state == .ready } }
      await mesh.supervisor.stop()
      #expect(try Files.readText("\(mesh.top)/order") == "edge\nmid\nstore\n")
      try Files.remove("\(mesh.top)/order")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a process that does not listen to SIGTERM is killed after its grace`() async throws {
    var deaf = ComposeService.script("a", "trap '' TERM; while :; do sleep 0.05; done")
    deaf.stopGracePeriod = .milliseconds(300)
    try await MeshFixture.run([deaf]) { mesh in
      try await mesh.until("ready") { $0.first?.state == .ready }
      let start = ContinuousClock.now
      await mesh.supervisor.stop()
      let took = ContinuousClock.now - start
      #expect(took >= .milliseconds(300) && took < .seconds(5))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a command's health is asked, and its failing is seen`() async throws {
    var service = ComposeService.patient("a")
    service.healthcheck = ComposeHealthcheck(
      test: ["/bin/sh", "-c", "test -e well"], interval: .milliseconds(20), retries: 1)
    try await MeshFixture.run([service]) { mesh in
      try await mesh.until("waiting") { $0.first?.state == .waiting }
      try Files.replace("\(mesh.top)/well", with: "")
      try await mesh.until("ready") { $0.first?.state == .ready }
      try Files.remove("\(mesh.top)/well")
      let replica = try await mesh.until("unhealthy") { $0.first?.state == .unhealthy }[0]
      #expect(replica.lastError == "its healthcheck fails")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a second supervisor of the same project is refused`() async throws {
    try await MeshFixture.run([.patient("a")]) { mesh in
      try await mesh.until("ready") { $0.first?.state == .ready }
      let second = Supervisor(mesh.supervisor.plan, on: mesh.loop)
      let fault = await #expect(throws: Fault.self) { try await second.run() }
      #expect(fault?.reason == "ALREADY_RUNNING")
      try await mesh.until("still ready") { $0.first?.state == .ready }
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `what a killed supervisor has left is ended before the next one starts`() async throws {
    let top = "/tmp/assay-stale-\(getpid())"
    let run = RunDirectory(path: "\(top)/r", dataPath: "\(top)/d")
    try run.prepare(user: getuid())
    try Files.makeDirectories(run.volume("sockets"))
    try await MeshFixture.withLoop { loop in
      let (ends, ended) = AsyncStream<Int32>.makeStream()
      let orphan = try await loop.perform {
        let child = try ChildProcess(ChildLaunch("/bin/sleep", ["60"]), on: loop) {
          ended.yield($0.signal)
        }
        return child.pid
      }
      // A process of an earlier mesh, and one whose number was given to somebody else.
      let started = try #require(Processes.facts(of: orphan)?.startTime)
      let own = try #require(Processes.facts(of: getpid())?.startTime)
      try Files.replace(
        run.processRecord,
        with: "\(orphan) \(started) a-1\n\(getpid()) \(own + 1) b-1\nnonsense\n1 1 init\n")
      await Supervisor.endStale(run, on: loop)
      for await signal in ends {
        #expect(signal == SIGTERM)
        break
      }
      #expect(!Processes.isRunning(orphan, startTime: started))
    }
    #expect(Files.entries(of: "\(run.path)/v") == [])
    #expect(Files.facts(of: run.processRecord) == nil)
    try Files.removeTree(top)
  }
}
