import Compose
import Faults
import Glibc
import MeshContract
import Supervisor
import Testing

@Suite struct ScalingTests {
  @Test(.timeLimit(.minutes(1)))
  func `replicas are added under free numbers and taken from the top`() async throws {
    try await MeshFixture.run([.patient("a", replicas: 2), .patient("b")]) { mesh in
      try await mesh.until("ready") { $0.allSatisfy { $0.state == .ready } }
      #expect(try await mesh.supervisor.scale("a", to: 4) == 2)
      let more = try await mesh.until("four") { all in
        all.count { $0.service == "a" && $0.state == .ready } == 4
      }
      #expect(more.map(\.instance) == ["a-1", "a-2", "a-3", "a-4", "b-1"])
      #expect(try await mesh.supervisor.scale("a", to: 1) == 4)
      try await mesh.until("one") { $0.map(\.instance) == ["a-1", "b-1"] }
      #expect(try await mesh.supervisor.scale("a", to: 0) == 1)
      try await mesh.until("none") { $0.map(\.instance) == ["b-1"] }
      #expect(try await mesh.supervisor.scale("a", to: 1) == 0)
      try await mesh.until("one again") { $0.map(\.instance) == ["a-1", "b-1"] }
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `what cannot be scaled says why`() async throws {
    try await MeshFixture.run([.patient("store")]) { mesh in
      try await mesh.until("ready") { $0[0].state == .ready }
      let unknown = await #expect(throws: Fault.self) {
        try await mesh.supervisor.scale("stor", to: 1)
      }
      #expect(unknown?.hint == "did you mean store?")
      let many = await #expect(throws: Fault.self) {
        try await mesh.supervisor.scale("store", to: 33)
      }
      #expect(many?.reason == "TOO_MANY_REPLICAS")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a restart gives every replica another process under its own name`() async throws {
    try await MeshFixture.run([.patient("a", replicas: 2)]) { mesh in
      let before = try await mesh.until("ready") { $0.allSatisfy { $0.state == .ready } }
      #expect(try await mesh.supervisor.restart("a") == ["a-1", "a-2"])
      try await mesh.until("new processes") { all in
        all.allSatisfy { $0.state == .ready && $0.pid > 0 }
          && Set(all.map(\.pid)).isDisjoint(with: before.map(\.pid))
      }
      #expect(await mesh.supervisor.replicas.map(\.restarts) == [0, 0])
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a rolling restart never has fewer that are ready`() async throws {
    try await MeshFixture.run([.patient("a", replicas: 2)]) { mesh in
      let before = try await mesh.until("ready") { $0.allSatisfy { $0.state == .ready } }
      let watching = Task {
        var fewest = Int.max
        for await _ in await mesh.supervisor.changes() {
          fewest = min(fewest, await mesh.supervisor.replicas.count { $0.state == .ready })
          if Task.isCancelled { break }
        }
        return fewest
      }
      #expect(try await mesh.supervisor.rollingRestart("a") == ["a-1", "a-2"])
      watching.cancel()
      #expect(await watching.value == 2)
      let after = await mesh.supervisor.replicas
      #expect(after.map(\.instance) == ["a-1", "a-3"])
      #expect(Set(after.map(\.pid)).isDisjoint(with: before.map(\.pid)))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a rolling restart stops first where the file says so`() async throws {
    var service = ComposeService.patient("a")
    service.stopsFirst = true
    try await MeshFixture.run([service]) { mesh in
      let before = try await mesh.until("ready") { $0[0].state == .ready }
      #expect(try await mesh.supervisor.rollingRestart("a") == ["a-1"])
      let after = await mesh.supervisor.replicas
      #expect(after.map(\.instance) == ["a-1"])
      #expect(after[0].pid != before[0].pid)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a new replica that does not come up leaves the old one alone`() async throws {
    // Comes up once; a second process ends at once.
    let script =
      "test -e taken && exit 7; touch taken; trap 'exit 0' TERM;"
      + " while :; do sleep 0.05; done"
    try await MeshFixture.run([.script("a", script)]) { mesh in
      let before = try await mesh.until("ready") { $0[0].state == .ready }
      let fault = await #expect(throws: Fault.self) {
        try await mesh.supervisor.rollingRestart("a")
      }
      #expect(fault?.reason == "RESTART_FAILED")
      #expect(fault?.message.contains("exit status 7, ") == true)
      let after = try await mesh.until("old one alone") { $0.count == 1 }
      #expect(after[0].pid == before[0].pid && after[0].state == .ready)
      _ = unsafe unlink("\(mesh.top)/taken")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `one restart at a time, and none while the mesh stops`() async throws {
    let slow = ComposeService.script(
      "a", "trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done")
    try await MeshFixture.run([slow]) { mesh in
      try await mesh.until("ready") { $0[0].state == .ready }
      let rolling = Task { try await mesh.supervisor.rollingRestart("a") }
      try await mesh.until("two") { $0.count == 2 }
      let busy = await #expect(throws: Fault.self) { try await mesh.supervisor.restart("a") }
      #expect(busy?.reason == "BUSY")
      _ = try await rolling.value
      let stopping = Task { await mesh.supervisor.stop() }
      try await mesh.until("stopping") { $0[0].state == .stopped }
      let late = await #expect(throws: Fault.self) { try await mesh.supervisor.scale("a", to: 3) }
      #expect(late?.reason == "STOPPING")
      await stopping.value
    }
  }
}
