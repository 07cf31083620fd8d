import Compose
import Faults
import Glibc
import Machine
import MeshContract
import Supervisor
import Testing

/// What goes on when who asked for it has gone.
@Suite struct GivingUpTests {
  @Test(.timeLimit(.minutes(1)))
  func `a rolling restart that nobody waits for leaves the old replica and no other`()
    async throws
  {
    // Never ready, because nobody can ask it and it ends within the time that counts.
    var slow = ComposeService.patient("a")
    slow.healthcheck = ComposeHealthcheck(
      test: ["/bin/sh", "-c", "test ! -e late"], interval: .milliseconds(20))
    try await MeshFixture.run([slow]) { mesh in
      let before = try await mesh.until("ready") { $0[0].state == .ready }
      #expect(unsafe close(creat("\(mesh.top)/late", 0o600)) == 0)
      let rolling = Task { try await mesh.supervisor.rollingRestart("a") }
      try await mesh.until("two") { $0.count == 2 }
      rolling.cancel()
      let fault = await #expect(throws: Fault.self) { try await rolling.value }
      #expect(fault?.code == .cancelled)
      let after = try await mesh.until("one") { $0.count == 1 }
      #expect(after[0].pid == before[0].pid)
      #expect(unsafe unlink("\(mesh.top)/late") == 0)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a stop that nobody waits for still stops everything in order`() async throws {
    let slow = ComposeService.script(
      "edge", "trap 'sleep 0.3; echo edge >> order; exit 0' TERM; while :; do sleep 0.02; done",
      dependsOn: ["store"])
    let last = ComposeService.script(
      "store",
      "trap 'until [ -e go ]; do sleep 0.02; done; echo store >> order; exit 0' TERM; "
        + "while :; do sleep 0.02; done")
    try await MeshFixture.run([last, slow]) { mesh in
      try await mesh.until("ready") { $0.allSatisfy { $0.state == .ready } }
      let stopping = Task { await mesh.supervisor.stop() }
      try await mesh.until("stopping") { $0.contains { $0.state == .stopped } }
      stopping.cancel()
      await stopping.value
      #expect(await mesh.replica("store-1")?.pid != 0)
      try Files.replace("\(mesh.top)/go", with: "")
      await mesh.supervisor.stop()
      #expect(try await mesh.file("order") == "edge\nstore\n")
      #expect(unsafe unlink("\(mesh.top)/go") == 0)
      #expect(unsafe unlink("\(mesh.top)/order") == 0)
    }
  }
}
