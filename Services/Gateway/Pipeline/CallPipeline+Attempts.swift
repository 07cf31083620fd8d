import EventLoop
import Faults
import GatewayBudgets
import GatewayCatalog
import GatewayLedger
import GatewayLimits
import GatewayPacing
import GatewayPrompts
import GatewayProviders
import GatewayValues
import LedgerFile
import Telemetry

/// What one exchange with a provider came to.
struct ExchangeEnd: Sendable {
  enum Result: Sendable {
    case answered(body: [UInt8], ReplyFacts)
    case failed(ProviderFailure, body: [UInt8])
  }

  var result: Result
  /// nil: nothing was or will be paid.
  var settlement: LedgerFile.Settlement?
  var outcome: CallOutcome
  var headers: LimitHeaders?
  /// Bytes have gone to the caller: no other attempt may take its place.
  var hasBegun = false
  var cacheReadPredicted: Int64 = 0
}

extension CallPipeline {
  /// Attempts, one after another, until one answers or none may follow.
  func attempts(
    _ call: PreparedCall, _ ticket: CallTicket, into sink: (any StreamSink)?
  ) async throws -> CallAnswer {
    var policy = retryPolicy
    if let most = call.request.terms.retriesMax { policy.retriesMax = max(0, most) }
    var plan = RetryPlan(policy)
    var ways = WaysLeft(of: call)
    var number: UInt32 = 0
    var kind = AttemptKind.first
    var wasEmpty = false
    let deadline = call.request.terms.patience.map { now + $0 }
    let outline = outline(of: call)
    if let outline { prompts.see(outline, call.promptScope(ways.next[0]), at: now) }
    retryBudget.called()
    while true {
      number += 1
      let (end, route, line) = try await attempt(
        call, ticket, ways.next,
        Attempt(number: number, kind: kind, startBy: deadline, outline: outline), into: sink)
      switch end.result {
      case .answered(let body, let facts):
        var receipt = receipt(line, route, facts, ticket, attempts: number)
        receipt.cacheReadPredicted = end.cacheReadPredicted
        return CallAnswer(body: body, receipt: receipt)
      case .failed(let failure, let body):
        note(failure, route, ticket, number)
        let refusal = ProviderRefusal(
          failure: failure, dialect: route.dialect, body: body, attempts: number,
          provider: route.provider.name)
        if end.hasBegun { throw refusal }
        // What this key or provider will not do, another may, at once.
        if !failure.cause.mayWorkAgain {
          guard failure.cause.mayWorkElsewhere, ways.drop(route) else { throw refusal }
          kind = .fallback
          continue
        }
        // It is paid each time: a second answer with nothing in it is believed.
        if failure.cause == .empty, wasEmpty { throw refusal }
        wasEmpty = wasEmpty || failure.cause == .empty
        // One that is closed itself would only be waited for.
        let isElsewhere = ways.passOver(route) { desk.isOpen($0.deskName, at: now) }
        let until = deadline.map { ($0, Duration.zero) }
        let decision =
          isElsewhere
          ? plan.elsewhere(after: end.outcome, at: now, deadline: until, budget: &retryBudget)
          : plan.next(
            after: end.outcome, at: now, deadline: until, budget: &retryBudget, using: &random)
        guard case .retry(let moment) = decision else { throw refusal }
        kind = isElsewhere ? .fallback : .retry
        let wait = moment - now
        if wait > .zero { try await loop.sleep(for: wait) }
      }
    }
  }

  struct Attempt: Sendable {
    let number: UInt32
    let kind: AttemptKind
    let startBy: MonotonicInstant?
    let outline: PromptOutline?
    var prompt: PromptPlan?
  }

  /// One attempt: planned, let in by the desk, held by the ledger, sent, settled.
  private func attempt(
    _ call: PreparedCall, _ ticket: CallTicket, _ routes: [ModelRoute], _ attempt: Attempt,
    into sink: (any StreamSink)?
  ) async throws -> (ExchangeEnd, ModelRoute, LedgerLine) {
    var attempt = attempt
    // Before the desk: a place there is never held while waiting for another call.
    attempt.prompt = await promptPlan(
      attempt.outline, call, routes[0], mayWait: true, startBy: attempt.startBy)
    do {
      let (seat, route) = try await seat(call, routes, attempt)
      airborne[call.flight]?.hasLeft = true
      if route.deskName != routes[0].deskName, attempt.prompt != nil {
        promptEnded(attempt.prompt, nil, call)
        attempt.prompt = await promptPlan(
          attempt.outline, call, route, mayWait: false, startBy: nil)
      }
      var (end, line) = try await send(call, ticket, route, attempt, seat, into: sink)
      promptEnded(attempt.prompt, end.usage, call)
      end.cacheReadPredicted = attempt.prompt?.readPredicted ?? 0
      return (end, route, line)
    } catch {
      promptEnded(attempt.prompt, nil, call)
      throw error
    }
  }

  /// Waits until the desk lets the call leave, and says by which way.
  private func seat(
    _ call: PreparedCall, _ routes: [ModelRoute], _ attempt: Attempt
  ) async throws -> (Ticket, ModelRoute) {
    let request = call.request
    lastCallID += 1
    let isKnown = catalog.product(request.caller.product.text) != nil
    var asked = Call(
      id: lastCallID, product: isKnown ? request.caller.product.text : Catalog.defaultProduct,
      run: request.run?.text ?? "", priority: request.terms.priority,
      routes: routes.map(\.deskName), failover: request.terms.failover, need: call.need)
    asked.startBy = attempt.startBy
    // Where a provider does not count what it reads from its cache, neither does the desk.
    asked.need.cachedInput = min(asked.need.input, attempt.prompt?.readPredicted ?? 0)
    let seat = try await admitted(asked)
    return (seat, routes.first { $0.deskName == seat.route } ?? routes[0])
  }

  private func send(
    _ call: PreparedCall, _ ticket: CallTicket, _ route: ModelRoute, _ attempt: Attempt,
    _ seat: Ticket, into sink: (any StreamSink)?
  ) async throws -> (ExchangeEnd, LedgerLine) {
    let hold: AttemptHold
    do {
      hold = try await reserve(call, ticket, route, attempt.kind)
      try ledger.sent(hold)
    } catch {
      _ = desk.release(seat, at: now)
      pump()
      throw error
    }
    let end = await exchange(call, route, ticket, attempt, seat, into: sink)
    let settled = GatewayLimits.Settlement(
      end.outcome, usage: end.settlement.flatMap(Self.deskUsage),
      headers: end.headers.map(ProviderHeaders.init))
    _ = desk.settle(seat, settled, at: now, using: &random)
    pump()
    let line: LedgerLine
    if let settlement = end.settlement {
      line = try await ledger.settle(hold, settlement)
    } else {
      line = try await ledger.void(hold)
    }
    return (end, line)
  }

  private func reserve(
    _ call: PreparedCall, _ ticket: CallTicket, _ route: ModelRoute, _ kind: AttemptKind
  ) async throws -> AttemptHold {
    let request = call.request
    guard let provider = GatewayName(route.provider.name) else {
      throw Fault(.internal, reason: "BAD_CATALOG", "A provider has no proper name.")
    }
    let party = CallParty(
      product: request.caller.product, key: request.caller.key, run: request.run,
      model: call.model)
    var order = AttemptOrder(party: party, provider: provider, bound: call.bound)
    order.kind = kind
    switch try await ledger.reserve(order, for: ticket) {
    case .held(let hold): return hold
    case .refused(let refusal): throw refusal.fault
    }
  }

  private static func deskUsage(
    _ settlement: LedgerFile.Settlement
  ) -> GatewayLimits.TokenUsage? {
    switch settlement.amount {
    case .bound: nil
    case .used(let usage), .estimated(let usage):
      GatewayLimits.TokenUsage(
        freshInput: usage.freshInput, cacheWrite: usage.cacheWriteShort + usage.cacheWriteLong,
        cacheRead: usage.cacheRead, output: usage.outputTotal)
    }
  }

  private func receipt(
    _ line: LedgerLine, _ route: ModelRoute, _ facts: ReplyFacts, _ ticket: CallTicket,
    attempts: UInt32
  ) -> CallReceipt {
    var receipt = CallReceipt()
    receipt.callKey = ticket.name.key.text
    receipt.provider = route.provider.name
    receipt.dialect = route.dialect
    receipt.schemaWay = route.provider.schemaWay
    receipt.providerRequestID = line.providerRequestID
    receipt.model = facts.model
    receipt.usage = line.usage
    receipt.standing = line.standing ?? .exact
    receipt.cost = line.cost
    receipt.priceVersion = line.priceVersion
    receipt.attempts = attempts
    receipt.finish = facts.finish
    receipt.hasContent = facts.hasContent
    return receipt
  }

  private func note(
    _ failure: ProviderFailure, _ route: ModelRoute, _ ticket: CallTicket, _ number: UInt32
  ) {
    logger.warning(
      "an attempt failed",
      [
        .call: .string(ticket.name.key.text), .provider: .string(route.provider.name),
        .reason: .string(failure.cause.reason), .status: .int(failure.status ?? 0),
        .attempt: .int(number),
      ])
  }
}

extension ExchangeEnd {
  /// As the provider told it, of an answer that came whole.
  fileprivate var usage: GatewayValues.TokenUsage? {
    guard case .answered(_, let facts) = result else { return nil }
    return facts.usage
  }
}

extension ProviderHeaders {
  init(_ headers: LimitHeaders) {
    func count(_ bucket: LimitHeaders.Bucket) -> HeaderCount? {
      guard bucket != .init() else { return nil }
      return HeaderCount(
        limit: bucket.limit, remaining: bucket.remaining, resetAfter: bucket.resetAfter)
    }
    self.init(
      requests: count(headers.requests),
      inputTokens: count(headers.inputTokens) ?? count(headers.tokens),
      outputTokens: count(headers.outputTokens))
  }
}
