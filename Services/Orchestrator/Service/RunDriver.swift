import EventLoop
import Failpoints
import Faults
import GatewayContract
import RPC
import RunEngine
import ScoreContract
import StoreContract
import Telemetry

/// One run in this process's hands: feeds its state machine and does what that says.
///
/// It decides nothing. What it waits for are calls of its own, ended when they are worth nothing.
actor RunDriver: LoopActor {
  nonisolated let loop: EventLoop
  private let run: OwnedRun
  private let token: UInt64
  private let services: RunServices
  private var machine: RunStateMachine
  private var asks: [Int: Task<Void, Never>] = [:]
  private var timer: LoopTimer?
  private let released: @Sendable (OwnedRun) -> Void

  init(
    _ run: OwnedRun, token: UInt64, task: RunTask, services: RunServices,
    released: @escaping @Sendable (OwnedRun) -> Void
  ) {
    self.run = run
    self.token = token
    self.services = services
    self.released = released
    loop = services.loop
    machine = RunStateMachine(task, widthDefault: services.widthDefault)
  }

  func feed(_ input: RunInput) {
    let milliseconds = Int64(clamping: loop.nowNanoseconds / 1_000_000)
    for action in machine.handle(input, at: milliseconds) { perform(action) }
  }

  private func perform(_ action: RunAction) {
    switch action {
    case .commit(let ask, let commit):
      begin(ask) { try await self.commit(ask, commit) }
    case .readUnits(let ask, let query):
      begin(ask) { try await self.readUnits(ask, query) }
    case .readRun(let ask):
      begin(ask) {
        let answer = try await self.services.store.getRun(
          GetRunRequest(runId: self.run.id), options: self.options(.seconds(10)))
        return .runRead(ask: ask, answer.run ?? Run(), answer.stages)
      }
    case .lookUp(let ask, let keys):
      begin(ask) {
        let answer = try await self.services.store.lookupVerdicts(
          LookupVerdictsRequest(unitKeys: keys), options: self.options(.seconds(10)))
        return .lookedUp(ask: ask, answer.verdicts)
      }
    case .call(let ask, let request):
      begin(ask) { try await self.call(ask, request) }
    case .recall(let ask, let callKey):
      begin(ask) {
        let answer = try await self.services.gateway.getCall(
          GetCallRequest(callKey: callKey), options: self.options(.seconds(10)))
        return .recalled(ask: ask, answer)
      }
    case .settleSoon: settleSoon()
    case .wake(let time): wake(at: time)
    case .dropAsks: drop()
    case .release: release()
    }
  }

  /// Asks, and feeds the answer; an ask that was dropped is answered by nobody.
  private func begin(_ ask: Int, _ body: @escaping @Sendable () async throws -> RunInput) {
    asks[ask] = Task(executorPreference: loop) {
      let input: RunInput
      do {
        input = try await body()
      } catch {
        let fault = Fault(describing: error)
        await self.note(fault)
        input = .refused(ask: ask, fault)
      }
      await self.answered(ask, input)
    }
  }

  /// What comes of waiting is no news; anything else may need a person.
  private func note(_ fault: Fault) {
    let passing: Set<Fault.Code> = [
      .unavailable, .cancelled, .deadlineExceeded, .aborted, .resourceExhausted,
    ]
    guard !passing.contains(fault.code) else { return }
    services.logger.warning(
      "a run was refused something",
      [.run: .string(run.id), .reason: .string(fault.reason), .error: .string(fault.message)])
  }

  private func answered(_ ask: Int, _ input: RunInput) {
    guard asks.removeValue(forKey: ask) != nil else { return }
    feed(input)
  }

  // MARK: - What is asked

  private func commit(_ ask: Int, _ commit: RunCommit) async throws -> RunInput {
    Failpoint.pass("orchestrator.commit.before-send")
    let request = CommitRequest(
      commitId: commit.id, runId: run.id, leaseName: run.id, leaseToken: token,
      facts: commit.facts)
    let answer = try await services.store.commit(request, options: options(.seconds(20)))
    Failpoint.pass("orchestrator.commit.answered")
    services.metrics.committed(commit.facts.count)
    return .committed(
      ask: ask, CommitOutcome(lastSeq: answer.lastSeq, isReplay: answer.isReplay))
  }

  private func readUnits(_ ask: Int, _ query: UnitsQuery) async throws -> RunInput {
    let request = ReadUnitsRequest(
      runId: run.id, afterOrdinal: query.after, states: query.states, stage: query.stage ?? 0,
      hasStage: query.stage != nil, limit: UInt32(query.limit))
    let answer = try await services.store.readUnits(request, options: options(.seconds(20)))
    return .unitsRead(ask: ask, answer.units, isLast: answer.isLast)
  }

  private func call(_ ask: Int, _ request: GenerateRequest) async throws -> RunInput {
    guard !services.lease.hasEnded(at: loop.nowNanoseconds) else {
      throw Fault(
        .unavailable, reason: "LEASE_UNSURE", "The store has not been heard of for too long.")
    }
    Failpoint.pass("orchestrator.call.before-send")
    services.metrics.callBegan()
    defer { services.metrics.callEnded() }
    let answer = try await services.gateway.generate(
      request, options: options(services.callTimeout))
    Failpoint.pass("orchestrator.call.answered")
    return .called(ask: ask, answer)
  }

  private func options(_ timeout: Duration) -> CallOptions {
    var options = CallOptions(timeout: timeout)
    options.metadata = run.metadata
    return options
  }

  // MARK: - What is done and forgotten

  /// When the turn has ended, what its jobs had to say was written.
  private func settleSoon() {
    loop.atEndOfTurn(
      TurnBell { [weak self, loop] in
        loop.execute { self?.assumeIsolated { $0.feed(.settle) } }
      })
  }

  private func wake(at time: Int64?) {
    timer?.cancel()
    timer = nil
    guard let time else { return }
    let now = Int64(clamping: loop.nowNanoseconds / 1_000_000)
    // A millisecond more than asked: never before the time.
    let delay = Duration.milliseconds(max(0, time - now) + 1)
    timer = loop.schedule(after: delay) { [weak self] in
      self?.assumeIsolated { $0.feed(.woke) }
    }
  }

  private func drop() {
    let dropped = asks.values
    asks = [:]
    for ask in dropped { ask.cancel() }
    if machine.isOver { finish() }
  }

  private func release() { finish() }

  /// Ends everything without a word.
  func abandon() {
    timer?.cancel()
    timer = nil
    let dropped = asks.values
    asks = [:]
    for ask in dropped { ask.cancel() }
  }

  private func finish() {
    abandon()
    released(run)
  }
}

/// Rings once, at the end of a turn.
private final class TurnBell: TurnEnding {
  private let ring: () -> Void

  init(_ ring: @escaping () -> Void) { self.ring = ring }

  func turnEnded() { ring() }
}
