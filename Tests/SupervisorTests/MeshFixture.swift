import Compose
import EventLoop
import Faults
import Glibc
import Locking
import Machine
import MeshContract
import Supervisor
import Testing

/// A mesh of stand-ins: shell scripts under a supervisor, in a directory that is gone afterwards.
final class MeshFixture: Sendable {
  let loop: EventLoop
  let top: String
  let supervisor: Supervisor

  private init(_ file: ComposeFile, top: String, loop: EventLoop) throws {
    self.loop = loop
    self.top = top
    let place = Surroundings(
      environment: ["PATH": "/usr/bin:/bin", "ASSAY_RUN_DIR": "\(top)/r"], user: getuid(),
      executableFolder: "/bin", workingDirectory: top, isExecutable: Files.isExecutable)
    let plan = try SupervisorPlan(file, in: place)
    let lines = LineSink()
    supervisor = Supervisor(plan, on: loop) { lines.take("\($0): \($1)") }
    self.lines = lines
  }

  private let lines: LineSink

  private final class LineSink: Sendable {
    private let all = Lock<[String]>([])
    func take(_ line: String) { all.withLock { $0.append(line) } }
    var taken: [String] { all.withLock { $0 } }
  }

  var output: [String] { lines.taken }
  var runPath: String { "\(top)/r" }

  /// Runs a mesh of those services, gives it to `body`, stops it, and looks that nothing is left.
  static func run(
    _ services: [ComposeService], volumes: [ComposeVolume] = [],
    _ body: (MeshFixture) async throws -> Void
  ) async throws {
    let top = "/tmp/assay-s\(getpid() % 10_000)-\(UInt32.random(in: 0...0xFFFF))"
    try Files.makeDirectory(top)
    let loop = try EventLoop(name: "mesh")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
      try? Files.removeTree(top)
    }
    let file = ComposeFile(
      path: "\(top)/compose.yaml", project: "t", services: services, volumes: volumes)
    let mesh = try MeshFixture(file, top: top, loop: loop)
    let running = Task { try await mesh.supervisor.run() }
    var failure: (any Error)?
    do {
      try await body(mesh)
    } catch {
      failure = error
    }
    let pids = await mesh.supervisor.replicas.map(\.pid).filter { $0 > 0 }
    await mesh.supervisor.stop()
    do {
      try await running.value
    } catch {
      if failure == nil { failure = error }
    }
    if let failure { throw failure }
    for pid in pids { #expect(!Processes.isRunning(pid)) }
    #expect(Files.entries(of: top) == [], "something is left")
  }

  /// A loop on a thread of its own for the length of `body`.
  static func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
    let loop = try EventLoop(name: "test")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    try await body(loop)
  }

  /// Waits until the replicas satisfy the condition, and answers them.
  @discardableResult
  func until(
    _ what: String, _ condition: ([Replica]) -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [Replica] {
    let deadline = ContinuousClock.now + .seconds(20)
    var last: [Replica] = []
    while ContinuousClock.now < deadline {
      last = await supervisor.replicas
      if !last.isEmpty, condition(last) { return last }
      try await loop.sleep(for: .milliseconds(5))
    }
    Issue.record("never \(what): \(last)", sourceLocation: sourceLocation)
    throw Fault(.deadlineExceeded, reason: "TEST", what)
  }

  /// Waits for a file that a stand-in writes.
  func file(_ name: String) async throws -> String {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      if let text = try? Files.readText("\(top)/\(name)"), text.hasSuffix("\n") { return text }
      try await loop.sleep(for: .milliseconds(5))
    }
    throw Fault(.deadlineExceeded, reason: "TEST", "no file \(name)")
  }

  func replica(_ instance: String) async -> Replica? {
    await supervisor.replicas.first { $0.instance == instance }
  }
}

extension ComposeService {
  /// A stand-in: a shell script under the policy.
  static func script(
    _ name: String, _ script: String, restart: RestartPolicy = .always,
    dependsOn: [String] = [], replicas: Int = 1
  ) -> ComposeService {
    ComposeService(
      name: name, command: ["sh", "-c", script], dependsOn: dependsOn, restart: restart,
      replicas: replicas)
  }

  /// One that runs until it is asked to end.
  static func patient(
    _ name: String, dependsOn: [String] = [], replicas: Int = 1
  ) -> ComposeService {
    .script(
      name, "trap 'exit 0' TERM; while :; do sleep 0.05; done", dependsOn: dependsOn,
      replicas: replicas)
  }
}
