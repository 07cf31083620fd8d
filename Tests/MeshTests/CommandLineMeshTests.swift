import Glibc
import JSON
import Machine
import Supervisor
import Testing

/// The verbs of the real `assay` on the real mesh.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CommandLineMeshTests {
  private let services = ["store", "gateway", "ingest", "simulator", "orchestrator", "edge"]

  @Test func `up detached ends when all is ready, and every verb finds the mesh`() async throws {
    try await RealTool.with { tool in
      let up = await tool.assay("up", "--detach")
      #expect(up.isSuccess, "\(up)")
      #expect(up.errors.contains { $0.hasPrefix("all ready after ") })
      #expect(up.output.count == 7)
      let replicas = try await tool.replicas()
      #expect(replicas.map(\.service) == services)
      #expect(replicas.allSatisfy { $0.state == "ready" && $0.pid > 0 })

      let health = await tool.assay("health")
      #expect(health.isSuccess && health.output.count == 6)
      #expect(health.output.allSatisfy { $0.contains("  serving  ") })
      let reflect = await tool.assay("reflect")
      for service in services {
        #expect(reflect.output.contains("\(service)  assay.admin.v1.Admin"))
        let call = await tool.assay("call", "\(service)/assay.admin.v1.Admin/Info", "{}", "--json")
        let answer = try JSONValue(parsing: call.output.joined())
        #expect(answer["service"]?.stringValue == service)
        #expect(answer["isReady"] == true)
      }
      let control = "unix:\(tool.top)/r/supervisor.sock"
      #expect(await tool.assay("health", control).isSuccess)
      let status = await tool.assay("call", "Supervisor/Status", "--address", control, "--json")
      #expect(try JSONValue(parsing: status.output[0])["replicas"]?.arrayValue?.count == 6)
      let logs = await tool.assay("logs", "store", "-n", "5")
      #expect(logs.output.contains { $0.hasPrefix("store-1 | ") && $0.contains("\"ready\"") })
      let doctor = await tool.assay("doctor")
      #expect(doctor.isSuccess, "\(doctor.output)")
      #expect(doctor.output.contains("OK    mesh: 6 replicas, all ready"))
    }
  }

  @Test func `a second up is told, and scales`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let second = await tool.assay("up")
      #expect(second.ending == .exited(status: 1))
      #expect(second.errors.first?.hasPrefix("error[ALREADY_RUNNING]") == true)
      let detached = await tool.assay("up", "-d")
      #expect(detached.isSuccess && detached.output.count == 7)
      let scaled = await tool.assay("up", "--scale", "ingest=3")
      #expect(scaled.isSuccess && scaled.errors == ["ingest: 1 → 3"])
      try await tool.until("three of ingest") { all in
        all.count { $0.service == "ingest" && $0.state == "ready" } == 3
      }
      #expect(await tool.assay("health", "ingest").output.count == 3)
      #expect(await tool.assay("scale", "ingest=1").isSuccess)
      try await tool.until("one of ingest") { all in all.count { $0.service == "ingest" } == 1 }
      let wrong = await tool.assay("scale", "gatewy=2")
      #expect(wrong.errors.last == "hint: did you mean gateway?")
    }
  }

  @Test func `a killed service is started again`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      for victim in try await tool.replicas() {
        #expect(kill(victim.pid, SIGKILL) == 0)
        try await tool.until("\(victim.service) back") { all in
          all.contains {
            $0.service == victim.service && $0.state == "ready" && $0.pid != victim.pid
          }
        }
      }
    }
  }

  @Test func `restarts give new processes, rolling ones new names`() async throws {
    try await RealTool.with { tool in
      #expect(await tool.assay("up", "-d").isSuccess)
      let before = try await tool.replicas()
      #expect(await tool.assay("restart", "store").isSuccess)
      let plain = try await tool.until("store back") { all in
        all.contains { $0.instance == "store-1" && $0.state == "ready" && $0.pid != before[0].pid }
      }
      let rolled = await tool.assay("restart", "--rolling")
      #expect(rolled.isSuccess && rolled.errors.count == 6, "\(rolled)")
      let after = try await tool.replicas()
      // A file with one writer: who has one is stopped first, and keeps its name.
      let alone = ["store", "gateway", "simulator"]
      #expect(after.map(\.instance) == services.map { "\($0)-\(alone.contains($0) ? 1 : 2)" })
      #expect(Set(after.map(\.pid)).isDisjoint(with: plain.map(\.pid)))
    }
  }

  @Test func `who waits says for whom, and goes on when it is there`() async throws {
    try await RealTool.with { tool in
      let up = Task { await tool.assay("up", "-d", "--scale", "store=0", "--scale", "ingest=0") }
      let waiting = try await tool.until("orchestrator waits for both") { all in
        all.contains { $0.service == "orchestrator" && $0.waitingFor == ["ingest", "store"] }
      }
      #expect(waiting.count == 4)
      let health = await tool.assay("health", "orchestrator")
      #expect(health.ending == .exited(status: 7))
      #expect(health.output[0].hasSuffix("not serving  waiting for ingest, store"))
      #expect(await tool.assay("scale", "store=1", "ingest=1").isSuccess)
      let done = await up.value
      #expect(done.isSuccess && done.output.count == 7, "\(done)")
    }
  }

  @Test func `the configuration of each service is shown with its origins, and checked`()
    async throws
  {
    try await RealTool.with { tool in
      let stopped = await tool.assay("config", "show", "store", "--json")
      let keys = try stopped.output.map { try JSONValue(parsing: $0)["key"]?.stringValue }
      #expect(keys.contains("mesh.listen"))
      #expect(await tool.assay("config", "check").isSuccess)
      try Files.replace("\(tool.top)/new.yaml", with: "mesh: {lisen: x}\n")
      let wrong = await tool.assay("config", "check", "new.yaml")
      #expect(wrong.ending == .exited(status: 1))
      #expect(wrong.output[0].contains("new.yaml:1"))
      #expect(wrong.output[0].contains("did you mean 'mesh.listen'?"))
      #expect(wrong.output[0].hasSuffix("[store, gateway, ingest, simulator, orchestrator, edge]"))
      #expect(await tool.assay("up", "-d").isSuccess)
      let running = await tool.assay("config", "show", "edge", "--origin")
      #expect(running.output.contains { $0.hasSuffix("ASSAY_MESH_INSTANCE") })
    }
  }
}
