import EventLoop
import Faults
import GRPCFormat
import GatewayContract
import GatewayStandIn
import Glibc
import Locking
import MeshAddressing
import OrchestratorContract
import RPC
import ScoreContract
import StoreContract
import StoreService
import Telemetry
import TestSupport
import Testing

@testable import OrchestratorService

/// An orchestrator over a real store file and a gateway that stands in, all behind real servers of
/// this process; gone when the test is.
final class OrchestratorFixture: Sendable {
  let loop: EventLoop
  let folder: String
  let orchestrator: OrchestratorClient
  let store: StoreClient
  private let opened: OpenStore
  private let servers: [Server]
  private let services: RunServices
  private let owners = Lock<[Owner]>([])

  var payments: String { "\(folder)/payments.log" }

  struct Owner: Sendable {
    let owner: RunOwner
    let task: Task<Void, Never>
  }

  private init(
    _ folder: String, _ script: StandInScript, _ loop: EventLoop, below storeLoop: EventLoop
  ) async throws {
    self.folder = folder
    self.loop = loop
    opened = try await OpenStore(
      try StoreFile(path: folder).opening, on: storeLoop, leaseTTL: .milliseconds(300),
      metrics: Metrics())
    let gateway = try StandInGateway(
      script: script, logPath: "\(folder)/payments.log", loop: storeLoop)
    let options = ServerOptions(callers: CallerTable(ownUID: getuid()))
    let below = Server(
      loop: storeLoop, services: [opened.definition, gateway.service], options: options)
    let channel = OrchestratorFixture.channel(to: below, loop)
    store = StoreClient(channel)
    services = RunServices(
      loop: loop, store: store, gateway: GatewayClient(channel),
      logger: Logger(
        service: "orchestrator", instance: "test", to: LogSink(format: .json, level: .error)),
      metrics: RunMetrics(Metrics()), widthDefault: 4, callTimeout: .seconds(20))
    let handlers = OrchestratorHandlers(store: store, feeds: RunFeeds(store: store, on: loop))
    let above = Server(loop: loop, services: [handlers.definition], options: options)
    orchestrator = OrchestratorClient(OrchestratorFixture.channel(to: above, loop))
    servers = [above, below]
  }

  private static func channel(to server: Server, _ loop: EventLoop) -> Channel {
    var options = ChannelOptions()
    options.connector = .inProcess(to: server)
    return Channel(to: .unix(path: "/in-process"), on: loop, options: options)
  }

  /// Runs `body` with an orchestrator that has `owners` replicas working on runs.
  static func with(
    _ script: StandInScript = StandInScript(), owners: Int = 1,
    _ body: (OrchestratorFixture) async throws -> Void
  ) async throws {
    try await ScratchFolder.with { scratch in
      let loop = try EventLoop(name: "orchestrator")
      let below = try EventLoop(name: "store")
      try loop.start()
      try below.start()
      defer {
        for each in [loop, below] {
          each.stop()
          each.join()
        }
      }
      let fixture = try await OrchestratorFixture(scratch.path, script, loop, below: below)
      for _ in 0..<owners { fixture.addOwner() }
      do {
        try await body(fixture)
      } catch {
        await fixture.close()
        throw error
      }
      await fixture.close()
    }
  }

  /// One more replica, as another process would be.
  func addOwner() {
    let owner = RunOwner(services, holder: "test", runsMax: 8)
    let task = Task(executorPreference: loop) { await owner.run() }
    owners.withLock { $0.append(Owner(owner: owner, task: task)) }
  }

  /// The oldest replica vanishes, as by kill -9: its stream ends, and nothing is handed back.
  func killOwner() async {
    guard let killed = owners.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
    killed.task.cancel()
    await killed.owner.vanish()
  }

  /// The replicas stand still for longer than their session lives, as a process that gets no
  /// processor: the store frees their leases and offers the runs, and they hear of it afterwards.
  func standStill(for time: Duration) async {
    await withCheckedContinuation { continuation in
      loop.execute {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {}
        continuation.resume()
      }
    }
  }

  private func close() async {
    for owner in owners.withLock({ $0 }) {
      await owner.owner.stop()
      owner.task.cancel()
    }
    opened.endStreams()
    for server in servers { await server.drain() }
    await opened.close()
  }

  // MARK: - What tests ask

  func spec(_ texts: [String], _ change: (inout RunOptions) -> Void = { _ in }) -> RunSpec {
    var options = RunOptions()
    change(&options)
    return RunSpec(
      workload: "echo", options: options,
      subject: .echo(EchoSpec(texts: texts, model: "m", textsPerCall: 2)))
  }

  func submit(_ spec: RunSpec, key: String = "") async throws -> SubmitResponse {
    try await orchestrator.submit(SubmitRequest(spec: spec, idempotencyKey: key))
  }

  /// The whole log, to the end of the run or to a state that lasts.
  func watch(_ runID: String, after seq: Int64 = 0, until state: RunState? = nil) async throws
    -> [Event]
  {
    var events: [Event] = []
    let answers = orchestrator.watch(
      WatchRequest(runId: runID, afterSeq: seq), options: CallOptions(timeout: .seconds(40)))
    for try await answer in answers {
      events += answer.events
      if let state, events.contains(where: { $0.state == state }) { break }
    }
    return events
  }

  func run(_ runID: String) async throws -> Run {
    let answer = try await orchestrator.getRun(
      OrchestratorContract.GetRunRequest(runId: runID))
    return try #require(answer.run)
  }
}

extension Event {
  /// Of a change of the run's state.
  var state: RunState? {
    guard case .run(let change)? = fact?.kind, change.requested == .unspecified else { return nil }
    return change.state
  }

  /// A unit and its score, when it got one.
  var score: (unit: String, score: Double)? {
    guard case .unit(let change)? = fact?.kind,
      case .number(let number)? = change.verdict?.value?.kind
    else { return nil }
    return (change.unitId, number)
  }
}

extension [Event] {
  var scores: [String: Double] {
    Dictionary(
      compactMap(\.score).map { ($0.unit, $0.score) }, uniquingKeysWith: { first, _ in first })
  }

  var isGapless: Bool { map(\.seq) == (0..<count).map { Int64($0) + (first?.seq ?? 1) } }
}
