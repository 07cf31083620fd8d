import Faults
import GRPCFormat
import OrchestratorContract
import RPC
import ScoreContract
import TestSupport
import Testing

/// What a submission promises: one run a key, the same answer again, nothing kept of what was
/// refused; and what is said to those who ask for what is not there.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SubmissionTests {
  private func refusal(_ body: () async throws -> Void) async -> Fault? {
    do {
      try await body()
      return nil
    } catch {
      return Fault(describing: error)
    }
  }

  @Test func `random submissions under few keys agree with a dictionary`() async throws {
    try await OrchestratorFixture.with(owners: 0) { mesh in
      var random = SeededRandom("submissions")
      var known: [String: (body: Int, answer: SubmitResponse)] = [:]
      for _ in 0..<400 {
        let key = "key-\(Int.random(in: 0..<30, using: &random))"
        let body = Int.random(in: 0..<4, using: &random)
        // Body 3 cannot be planned.
        let spec = mesh.spec(body == 3 ? [] : ["text \(body)"])
        do {
          let answer = try await mesh.submit(spec, key: key)
          if let before = known[key] {
            #expect(before.body == body && before.answer == answer)
          } else {
            #expect(body != 3)
            known[key] = (body, answer)
          }
        } catch let fault as Fault {
          if body == 3 {
            #expect(fault.reason == "BAD_SPEC")
          } else {
            #expect(fault.reason == "IDEMPOTENCY_KEY_REUSED" && known[key]?.body != body)
          }
        }
      }
      #expect(Set(known.values.map(\.answer.runId)).count == known.count)
    }
  }

  @Test func `many at once under one key make one run`() async throws {
    try await OrchestratorFixture.with(owners: 0) { mesh in
      let spec = mesh.spec(["a"])
      let answers = try await withThrowingTaskGroup(of: SubmitResponse.self) { group in
        for _ in 0..<50 { group.addTask { try await mesh.submit(spec, key: "k") } }
        return try await group.reduce(into: [SubmitResponse]()) { $0.append($1) }
      }
      #expect(answers.allSatisfy { $0 == answers[0] })
      let runs = try await mesh.orchestrator.listRuns(ListRunsRequest())
      #expect(runs.runs.map(\.id) == [answers[0].runId])
    }
  }

  @Test func `what cannot be run is refused before anything is kept`() async throws {
    try await OrchestratorFixture.with(owners: 0) { mesh in
      let nothing = await refusal { _ = try await mesh.orchestrator.submit(SubmitRequest()) }
      #expect(nothing?.violations.first?.field == "spec")
      let unknown = await refusal {
        _ = try await mesh.submit(RunSpec(workload: "nonsense"))
      }
      #expect(unknown?.reason == "UNKNOWN_WORKLOAD")
      let long = await refusal {
        _ = try await mesh.submit(mesh.spec(["a"]), key: String(repeating: "k", count: 300))
      }
      #expect(long?.code == .invalidArgument)
      let zero = await refusal { _ = try await mesh.submit(mesh.spec(["a"]), key: "a\0b") }
      #expect(zero?.code == .invalidArgument)
      let none = try await mesh.orchestrator.listRuns(ListRunsRequest())
      #expect(none.runs.isEmpty)
    }
  }

  @Test func `runs that are not there, or another's, are told apart from nothing`()
    async throws
  {
    try await OrchestratorFixture.with(owners: 0) { mesh in
      var mine = CallOptions()
      _ = mine.metadata.add("assay-product", "mine")
      let answer = try await mesh.orchestrator.submit(
        SubmitRequest(spec: mesh.spec(["a"])), options: mine)
      let id = answer.runId
      let faults = [
        await refusal { _ = try await mesh.run(id) },
        await refusal { _ = try await mesh.watch(id) },
        await refusal { _ = try await mesh.orchestrator.cancel(CancelRequest(runId: id)) },
        await refusal { _ = try await mesh.orchestrator.pause(PauseRequest(runId: id)) },
        await refusal { _ = try await mesh.orchestrator.resume(ResumeRequest(runId: id)) },
      ]
      for fault in faults { #expect(fault?.reason == "UNKNOWN_RUN" && fault?.code == .notFound) }
      let none = try await mesh.orchestrator.listRuns(ListRunsRequest())
      #expect(none.runs.isEmpty)
      let own = try await mesh.orchestrator.listRuns(ListRunsRequest(), options: mine)
      #expect(own.runs.map(\.id) == [id])
      for seq in [Int64(-1), 1_000_000] {
        let fault = await refusal {
          let request = WatchRequest(runId: id, afterSeq: seq)
          for try await _ in mesh.orchestrator.watch(request, options: mine) {}
        }
        #expect(fault?.reason == "BAD_CURSOR", "\(seq): \(String(describing: fault))")
      }
      let badName = await refusal {
        var other = CallOptions()
        _ = other.metadata.add("assay-product", "Not A Name")
        _ = try await mesh.orchestrator.listRuns(ListRunsRequest(), options: other)
      }
      #expect(badName?.reason == "BAD_PRODUCT")
    }
  }
}
