import EventLoop
import Faults
import Glibc
import Locking
import MeshContract
import RPC
import Synchronization
import Testing

/// What callers notice when services die, come and go: real processes, called without pause.
@Suite(.serialized, .timeLimit(.minutes(2))) struct MeshUnderLoadTests {
  /// Callers that call until they are told to stop, and count how their calls ended.
  final class Load: Sendable {
    private struct Counts {
      var succeeded = 0
      var instances: Set<String> = []
      var faults: [Fault] = []
    }
    private let counts = Lock(Counts())
    private let stopped = Atomic<Bool>(false)

    var succeeded: Int { counts.withLock { $0.succeeded } }
    var faults: [Fault] { counts.withLock { $0.faults } }

    /// Who answered since this was asked the last time.
    func takeInstances() -> Set<String> {
      counts.withLock { counts in
        defer { counts.instances = [] }
        return counts.instances
      }
    }

    func stop() { stopped.store(true, ordering: .relaxed) }

    func run(_ channel: Channel, retries: Bool, width: Int = 8) async {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<width {
          group.addTask {
            let client = AdminClient(channel)
            var options = CallOptions(timeout: .seconds(10))
            options.retries = retries
            while !self.stopped.load(ordering: .relaxed) {
              do {
                let info = try await client.info(InfoRequest(), options: options)
                self.counts.withLock { counts in
                  counts.succeeded += 1
                  counts.instances.insert(info.instance)
                }
              } catch {
                self.counts.withLock { $0.faults.append(Fault(describing: error)) }
              }
            }
          }
        }
      }
    }
  }

  /// Runs `body` while calls go on; answers the load when its callers have stopped.
  private func underLoad(
    _ mesh: LoadMesh, on service: String, retries: Bool, _ body: (Load) async throws -> Void
  ) async throws -> Load {
    let channel = try await mesh.channel(to: service)
    let load = Load()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await load.run(channel, retries: retries) }
      defer { load.stop() }
      try await until("the first calls", mesh) { load.succeeded > 100 }
      try await body(load)
      let before = load.succeeded
      try await until("calls after it", mesh) { load.succeeded > before + 200 }
      load.stop()
    }
    await channel.shutDown()
    return load
  }

  private func until(
    _ what: String, _ mesh: LoadMesh, within limit: Duration = .seconds(20),
    _ condition: () async throws -> Bool
  ) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
      try #require(ContinuousClock.now < deadline, "\(what) did not come within \(limit)")
      try await mesh.loop.sleep(for: .milliseconds(2))
    }
  }

  @Test(arguments: ["store", "gateway", "ingest", "orchestrator", "edge", "simulator"])
  func `a service killed under load comes back, and retryable calls see no error`(
    _ service: String
  ) async throws {
    try await LoadMesh.with { mesh in
      let first = try #require(try await mesh.replicas(of: service).first)
      let load = try await underLoad(mesh, on: service, retries: true) { _ in
        #expect(kill(first.pid, SIGKILL) == 0)
        try await until("the restart", mesh) {
          let now = try await mesh.replicas(of: service).first
          return now.map { $0.pid != first.pid } ?? false
        }
      }
      #expect(load.faults.isEmpty, "\(load.faults.prefix(3))")
    }
  }

  @Test func `calls that may not be repeated fail as UNAVAILABLE and nothing else`() async throws {
    try await LoadMesh.with { mesh in
      let first = try #require(try await mesh.replicas(of: "gateway").first)
      let load = try await underLoad(mesh, on: "gateway", retries: false) { load in
        #expect(kill(first.pid, SIGKILL) == 0)
        let before = load.succeeded
        try await until("calls to the new process", mesh) { load.succeeded > before + 500 }
      }
      // At most what was in flight when the process died; the rest waited and went through.
      #expect(load.faults.count <= 8)
      #expect(load.faults.allSatisfy { $0.code == .unavailable && $0.reason == "CONNECTION_LOST" })
    }
  }

  @Test func `a replica that is added is used, and one that is removed is left`() async throws {
    try await LoadMesh.with { mesh in
      let load = try await underLoad(mesh, on: "ingest", retries: false) { load in
        try await mesh.assay(["scale", "ingest=3"])
        try await until("calls to all three", mesh) {
          load.takeInstances().count == 3 || load.takeInstances().count == 3
        }
        try await mesh.assay(["scale", "ingest=1"])
        try await until("calls to one alone", mesh) {
          _ = load.takeInstances()
          let before = load.succeeded
          try await until("some calls", mesh) { load.succeeded > before + 100 }
          return load.takeInstances().count == 1
        }
      }
      #expect(load.faults.isEmpty, "\(load.faults.prefix(3))")
    }
  }

  @Test func `a rolling restart under load fails no call`() async throws {
    try await LoadMesh.with(scale: ["ingest": 2]) { mesh in
      let before = Set(try await mesh.replicas(of: "ingest").map(\.pid))
      let load = try await underLoad(mesh, on: "ingest", retries: false) { _ in
        try await mesh.assay(["restart", "ingest", "--rolling"])
      }
      let after = Set(try await mesh.replicas(of: "ingest").map(\.pid))
      #expect(after.count == 2)
      #expect(before.isDisjoint(with: after))
      #expect(load.faults.isEmpty, "\(load.faults.prefix(3))")
    }
  }
}
