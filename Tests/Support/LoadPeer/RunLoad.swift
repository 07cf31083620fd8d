import EventLoop
import Faults
import JSON
import MeshAddressing
import OrchestratorContract
import RPC
import ScoreContract
import Telemetry

/// One run of `echo`, and those who watch it.
struct RunLoad: Sendable {
  private let loop: EventLoop
  private let orchestrator: OrchestratorClient

  init(_ address: MeshAddress, on loop: EventLoop) {
    self.loop = loop
    orchestrator = OrchestratorClient(Channel(to: address, on: loop))
  }

  /// What one watcher saw.
  private struct Sight: Sendable {
    var events = 0
    var delays = Times()
    var state = RunState.unspecified
    var succeeded: Int64 = 0
  }

  func run(texts: Int, perCall: Int, width: Int, watchers: Int) async throws -> JSONValue {
    let name = loop.nowNanoseconds
    var options = RunOptions(width: UInt32(width))
    options.force = true
    let spec = RunSpec(
      workload: "echo", options: options,
      subject: .echo(
        EchoSpec(
          texts: (0..<texts).map { "\(name) \($0)" }, model: "m",
          textsPerCall: UInt32(perCall))))
    let begun = loop.nowNanoseconds
    let runID = try await orchestrator.submit(SubmitRequest(spec: spec)).runId
    let sights = try await withThrowingTaskGroup(of: Sight.self) { group in
      for _ in 0..<max(1, watchers) {
        group.addTask(executorPreference: loop) { try await watch(runID) }
      }
      return try await group.reduce(into: [Sight]()) { $0.append($1) }
    }
    let seconds = Double(loop.nowNanoseconds - begun) / 1e9
    let delays = sights.reduce(into: Times()) { $0.add($1.delays) }
    let ends = Set(sights.map(\.state.name)).sorted().joined(separator: ",")
    return [
      "run_id": .string(runID), "seconds": .number(seconds), "state": .string(ends),
      "events": .number(sights.reduce(0) { $0 + $1.events }),
      "complete": .bool(Set(sights.map(\.events)).count == 1),
      "succeeded": .number(Int(sights.first?.succeeded ?? 0)),
      "delay_p50_ms": .number(delays.percentile(0.5) / 1000),
      "delay_p99_ms": .number(delays.percentile(0.99) / 1000),
    ]
  }

  private func watch(_ runID: String) async throws -> Sight {
    var sight = Sight()
    for try await answer in orchestrator.watch(WatchRequest(runId: runID)) {
      let time = WallTime.now()
      let now = time.seconds * 1_000_000 + Int64(time.nanoseconds) / 1000
      for event in answer.events {
        sight.events += 1
        sight.delays.add(nanoseconds: UInt64(max(0, now - event.atUs)) * 1000)
        if case .run(let change)? = event.fact?.kind {
          sight.state = change.state
          sight.succeeded = change.totals?.succeeded ?? 0
        }
      }
    }
    return sight
  }
}
