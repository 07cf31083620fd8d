import EventLoop
import Faults
import GatewayCatalog
import GatewayLedger
import GatewayLimits
import GatewayPacing
import GatewayProviders
import GatewayValues
import HTTPClient
import LedgerFile
import Telemetry

/// Second attempts, by what became of them.
struct HedgeCounts: Sendable {
  private let hedges: Labelled<Counter>

  init(_ metrics: Metrics) {
    hedges = metrics.counter(
      "assay_gateway_hedges_total",
      help: "Second attempts at calls that were not answered in time, by what became of them.",
      labels: [.state])
  }

  func count(_ state: String) { hedges(state).add() }
}

/// An attempt that may be doubled, while nothing of an answer has come. Belongs to the pipeline's
/// loop.
struct AttemptRace {
  typealias Head = Result<HTTPClientResponse, HTTPClientError>

  /// One of its attempts, and whoever waits for its answer to begin.
  struct Entry: Sendable {
    let leg: AttemptLeg
    let outgoing: OutgoingCall
    let asking: Task<Head, Never>
    let since: MonotonicInstant
  }

  var race = HedgeRace()
  var entries: [HedgeRace.Runner: Entry] = [:]
  /// What is held for a second one that has not been sent.
  var prepared: AttemptLeg?
  /// What has happened, and nobody has looked at.
  var inputs: [HedgeRace.Input] = []
  var waiter: CheckedContinuation<Void, Never>?
}

extension CallPipeline {
  /// How long an attempt is waited for before another is sent beside it; nil: as long as it takes.
  ///
  /// A call is doubled only where its caller would have had it asked again: not where no other way
  /// may be taken, not where it may not be repeated, and not where a provider keeps or looks up
  /// what decides the answer.
  func hedgePatience(of call: PreparedCall, _ leg: AttemptLeg) -> Duration? {
    guard let rule = call.card.hedge else { return nil }
    let model = call.card.name
    var plan = hedges[model] ?? HedgePlan(HedgePlan.Policy(rule))
    plan.set(HedgePlan.Policy(rule))
    if leg.attempt.number == 1 { plan.called() }
    hedges[model] = plan
    let terms = call.request.terms
    guard terms.failover != .forbidden, terms.retriesMax != 0, retryPolicy.retriesMax > 0,
      call.request.isRepeatable
    else { return nil }
    // Until there are enough answers to go by, it is a race that nobody joins: it is measured.
    return plan.patience ?? HedgeRule.timeRange.upperBound
  }

  /// One attempt, and another by another way when the first has not begun to answer in time. The
  /// one whose answer begins first is read to its end; the other is given up.
  func raced(
    _ call: PreparedCall, _ ticket: CallTicket, _ first: AttemptLeg, _ routes: [ModelRoute],
    _ patience: Duration, into sink: (any StreamSink)?
  ) async -> (AttemptLeg, ExchangeEnd) {
    lastRaceID += 1
    let id = lastRaceID
    races[id] = AttemptRace()
    if let failure = start(id, .first, first, call, ticket, isStream: sink != nil) {
      races[id] = nil
      return (first, .unsent(failure))
    }
    let timer = loop.schedule(after: patience) { [weak self] in
      self?.assumeIsolated { $0.happened(id, .due) }
    }
    defer { timer.cancel() }
    var hedges: UInt32 = 0
    while true {
      let input = await nextInput(id)
      switch races[id]?.race.take(input) ?? .nothing {
      case .nothing: break
      case .look:
        let isReady = await prepare(id, beside: first, call, ticket, routes)
        if !isReady { hedgeCounts.count("declined") }
        happened(id, isReady ? .ready : .declined)
      case .send:
        if sendPrepared(id, call, ticket, isStream: sink != nil) {
          hedges += 1
          hedgeCounts.count("sent")
        } else {
          happened(id, .failed(.second))
        }
      case .giveBack: giveBack(races[id]?.prepared.take(), call)
      case .drop(let runner): drop(races[id]?.entries[runner], call, ticket)
      case .take(let runner, let other):
        let race = end(id, call, givingUp: other)
        return await read(race?.entries[runner], hedges, first, call, ticket, into: sink)
      case .fail(let runner):
        let race = end(id, call, givingUp: nil)
        return await read(race?.entries[runner], hedges, first, call, ticket, into: sink)
      }
    }
  }

  // MARK: - What happens

  private func nextInput(_ id: UInt64) async -> HedgeRace.Input {
    if races[id]?.inputs.isEmpty ?? false {
      await withCheckedContinuation { races[id]?.waiter = $0 }
    }
    return races[id]?.inputs.removeFirst() ?? .declined
  }

  private func happened(_ id: UInt64, _ input: HedgeRace.Input) {
    guard races[id] != nil else { return }
    races[id]?.inputs.append(input)
    races[id]?.waiter.take()?.resume()
  }

  /// Sends an attempt whose money is held; why it cannot be sent, if it cannot.
  private func start(
    _ id: UInt64, _ runner: HedgeRace.Runner, _ leg: AttemptLeg, _ call: PreparedCall,
    _ ticket: CallTicket, isStream: Bool
  ) -> ProviderFailure? {
    let outgoing: OutgoingCall
    do throws(ProviderFailure) {
      outgoing = try self.outgoing(call, leg, ticket, isStream: isStream)
    } catch {
      return error
    }
    let asking = Task(executorPreference: loop) { await self.ask(outgoing, id, runner) }
    races[id]?.entries[runner] = AttemptRace.Entry(
      leg: leg, outgoing: outgoing, asking: asking, since: now)
    return nil
  }

  private func ask(
    _ outgoing: OutgoingCall, _ id: UInt64, _ runner: HedgeRace.Runner
  ) async -> AttemptRace.Head {
    do throws(HTTPClientError) {
      let response = try await outgoing.send()
      happened(id, response.status == 200 ? .answered(runner) : .failed(runner))
      return .success(response)
    } catch {
      happened(id, .failed(runner))
      return .failure(error)
    }
  }

  // MARK: - The second

  /// Holds all that a second attempt needs: a seat at the desk that is free at once, money, and a
  /// part of both budgets. All of it, or nothing.
  private func prepare(
    _ id: UInt64, beside first: AttemptLeg, _ call: PreparedCall, _ ticket: CallTicket,
    _ routes: [ModelRoute]
  ) async -> Bool {
    let model = call.card.name
    let others = call.request.terms.failover.others(than: first.route, among: routes)
    guard !others.isEmpty, first.attempt.startBy.map({ now < $0 }) ?? true,
      hedges[model]?.canSpend(retryBudget, at: now) ?? false
    else { return false }
    var attempt = Attempt(
      number: first.attempt.number + 1, flight: first.attempt.flight, kind: .hedge,
      startBy: first.attempt.startBy,
      outline: first.attempt.outline)
    // Of no run: its run keeps the way that it has.
    let wish = asked(call, others, attempt, run: "")
    let decision = desk.ask(wish, at: now)
    if case .waiting = decision { _ = desk.cancel(wish.id) }
    pump()
    guard case .admitted(let seat) = decision,
      let route = others.first(where: { $0.deskName == seat.route })
    else { return false }
    attempt.prompt = await promptPlan(
      attempt.outline, call, route, mayWait: false, startBy: nil)
    var hold: AttemptHold?
    do {
      attempt.stored = try await storedMedia(of: call)
      hold = try await reserve(call, ticket, route, attempt)
    } catch {
      hold = nil
    }
    guard let hold, hedges[model]?.spend(&retryBudget, at: now) ?? false else {
      promptEnded(attempt.prompt, nil, call)
      _ = desk.release(seat, at: now)
      pump()
      return false
    }
    races[id]?.prepared = AttemptLeg(route: route, attempt: attempt, seat: seat, hold: hold)
    return true
  }

  private func sendPrepared(
    _ id: UInt64, _ call: PreparedCall, _ ticket: CallTicket, isStream: Bool
  ) -> Bool {
    guard let leg = races[id]?.prepared.take() else { return false }
    do {
      try ledger.sent(leg.hold)
    } catch {
      giveBack(leg, call)
      return false
    }
    guard start(id, .second, leg, call, ticket, isStream: isStream) != nil else { return true }
    Task(executorPreference: loop) {
      await self.conclude(leg, .unsent(ProviderFailure(.unreachable)), call)
    }
    return false
  }

  /// What was held for an attempt that is not sent; its money is free when nobody has its hold.
  private func giveBack(_ leg: AttemptLeg?, _ call: PreparedCall) {
    guard let leg else { return }
    promptEnded(leg.attempt.prompt, nil, call)
    _ = desk.release(leg.seat, at: now)
    pump()
  }

  // MARK: - The end

  /// Lets go of a race, and of all in it that is not needed.
  private func end(
    _ id: UInt64, _ call: PreparedCall, givingUp other: HedgeRace.Runner?
  ) -> AttemptRace? {
    let race = races.removeValue(forKey: id)
    giveBack(race?.prepared, call)
    if let first = race?.entries[.first] {
      // Of one that was given up, nobody knows more than that it took longer.
      hedges[call.card.name]?.answered(after: now - first.since)
    }
    if let other, let entry = race?.entries[other] { giveUp(entry, call) }
    if other == .first { hedgeCounts.count("won") }
    return race
  }

  /// Reads the one that is believed to its end.
  private func read(
    _ entry: AttemptRace.Entry?, _ count: UInt32, _ first: AttemptLeg, _ call: PreparedCall,
    _ ticket: CallTicket, into sink: (any StreamSink)?
  ) async -> (AttemptLeg, ExchangeEnd) {
    // Only what was sent can answer, or fail.
    guard let entry else { return (first, .unsent(ProviderFailure(.unreachable))) }
    var end: ExchangeEnd
    switch await entry.asking.value {
    case .success(let response):
      end = await read(response, call, entry.leg, ticket, into: sink)
    case .failure(let error): end = await .lost(error, of: entry.outgoing)
    }
    end.hedges = count
    return (entry.leg, end)
  }

  /// Ends one that failed while the other goes on.
  private func drop(_ entry: AttemptRace.Entry?, _ call: PreparedCall, _ ticket: CallTicket) {
    guard let entry else { return }
    Task(executorPreference: loop) { await self.dropped(entry, call, ticket) }
  }

  private func dropped(
    _ entry: AttemptRace.Entry, _ call: PreparedCall, _ ticket: CallTicket
  ) async {
    let end: ExchangeEnd
    switch await entry.asking.value {
    case .success(let response): end = await read(response, call, entry.leg, ticket, into: nil)
    case .failure(let error): end = .lost(error)
    }
    if case .failed(let failure, _) = end.result {
      note(failure, entry.leg.route, ticket, entry.leg.attempt.number)
    }
    await conclude(entry.leg, end, call)
  }

  /// Ends one whose answer is not waited for: what it costs, nobody knows.
  private func giveUp(_ entry: AttemptRace.Entry, _ call: PreparedCall) {
    entry.asking.cancel()
    Task(executorPreference: loop) { await self.givenUp(entry, call) }
  }

  private func givenUp(_ entry: AttemptRace.Entry, _ call: PreparedCall) async {
    var end: ExchangeEnd
    switch await entry.asking.value {
    case .failure(let error): end = .lost(error)
    case .success(let response) where response.status == 200: end = .abandoned
    // It was refused just then, which costs nothing.
    case .success: end = .unsent(ProviderFailure(.serverError))
    }
    end.settlement?.outcome = .cancelled
    end.outcome = .abandoned
    await conclude(entry.leg, end, call)
  }

  private func conclude(
    _ leg: AttemptLeg, _ end: ExchangeEnd, _ call: PreparedCall
  ) async {
    do {
      _ = try await settle(leg, end, call)
    } catch {
      logger.warning(
        "a second attempt's end was not written at once",
        [.reason: .string(Fault(describing: error).reason)])
    }
  }
}

extension ExchangeEnd {
  /// It had begun to answer, and nobody read it.
  fileprivate static var abandoned: ExchangeEnd {
    ExchangeEnd(
      result: .failed(ProviderFailure(.brokenStream), body: []),
      settlement: LedgerFile.Settlement(.bound, .cancelled), outcome: .abandoned)
  }
}

extension HedgePlan.Policy {
  init(_ rule: HedgeRule) {
    let after: After =
      switch rule.after {
      case .time(let time): .time(time)
      case .percent(let percent): .percent(percent)
      }
    self.init(after: after, perThousand: rule.budgetPercent * 10)
  }
}
