import EventLoop
import Faults
import JSON
import MeshAddressing
import MeshContract
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
    var isGapless = true
  }

  /// What the gateway's calls took so far, as it counts itself: seconds and how many.
  private func callsMade(at gateway: MeshAddress?) async throws -> (seconds: Double, count: Double)
  {
    guard let gateway else { return (0, 0) }
    let channel = Channel(to: gateway, on: loop)
    let samples = try await AdminClient(channel).metrics(MetricsRequest()).text
    await channel.shutDown()
    func value(_ name: String) -> Double {
      let start =
        "assay_rpc_server_duration_seconds_\(name){method=\"/assay.gateway.v1.Gateway/Generate\"}"
      let line = samples.split(separator: "\n").first { $0.hasPrefix(start) }
      return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }
    return (value("sum"), value("count"))
  }

  func run(
    texts: Int, perCall: Int, width: Int, watchers: Int, gateway: MeshAddress? = nil
  ) async throws -> JSONValue {
    let before = try await callsMade(at: gateway)
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
      for _ in 0..<watchers {
        group.addTask(executorPreference: loop) { try await watch(runID) }
      }
      try await waitForEnd(of: runID)
      return try await group.reduce(into: [Sight]()) { $0.append($1) }
    }
    let seconds = Double(loop.nowNanoseconds - begun) / 1e9
    let delays = sights.reduce(into: Times()) { $0.add($1.delays) }
    let run = try await orchestrator.getRun(GetRunRequest(runId: runID)).run
    let after = try await callsMade(at: gateway)
    return [
      "call_ms": .number((after.seconds - before.seconds) * 1000 / (after.count - before.count)),
      "run_id": .string(runID), "seconds": .number(seconds),
      "state": .string(run?.state.name ?? ""),
      "succeeded": .number(Int(run?.totals?.succeeded ?? 0)),
      "events": .number(sights.reduce(0) { $0 + $1.events }),
      "complete": .bool(
        sights.allSatisfy { $0.isGapless && Int64($0.events) == run?.lastSeq ?? -1 }),
      "delay_p50_ms": .number(delays.percentile(0.5) / 1000),
      "delay_p99_ms": .number(delays.percentile(0.99) / 1000),
    ]
  }

  /// Returns with the last event of the run.
  private func waitForEnd(of runID: String) async throws {
    let answers = orchestrator.watch(WatchRequest(runId: runID))
    while try await answers.next() != nil {}
  }

  private func watch(_ runID: String) async throws -> Sight {
    var sight = Sight()
    let answers: ResponseStream<SeenEvents> = orchestrator.channel.serverStreaming(
      OrchestratorMethods.watch, WatchRequest(runId: runID), options: CallOptions())
    for try await answer in answers {
      let time = WallTime.now()
      let now = time.seconds * 1_000_000 + Int64(time.nanoseconds) / 1000
      for (seq, at) in zip(answer.sequences, answer.times) {
        sight.events += 1
        if seq != Int64(sight.events) { sight.isGapless = false }
        sight.delays.add(nanoseconds: UInt64(max(0, now - at)) * 1000)
      }
    }
    return sight
  }
}
