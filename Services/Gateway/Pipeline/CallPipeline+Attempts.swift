import Blobs
import EventLoop
import Faults
import GatewayBudgets
import GatewayCatalog
import GatewayLedger
import GatewayLimits
import GatewayMedia
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
  /// Second attempts that were sent beside it.
  var hedges: UInt32 = 0
  /// Why a document could not be sent to its end.
  var mediaFailure: BlobError?
}

/// An attempt that has been let in: by which way, and what is held for it.
struct AttemptLeg: Sendable {
  let route: ModelRoute
  let attempt: CallPipeline.Attempt
  let seat: Ticket
  let hold: AttemptHold
}

extension CallPipeline {
  /// Attempts, one after another, until one answers or none may follow.
  func attempts(
    _ call: PreparedCall, _ ticket: CallTicket, of flight: UInt64, into sink: (any StreamSink)?
  ) async throws -> CallAnswer {
    var policy = retryPolicy
    if let most = call.request.terms.retriesMax { policy.retriesMax = max(0, most) }
    var plan = RetryPlan(policy)
    var ways = WaysLeft(of: call)
    var number: UInt32 = 0
    var kind = AttemptKind.first
    var wasEmpty = false
    let deadline = call.request.terms.patience.map { now + $0 }
    // A call that cannot be sent waits for nobody.
    if call.request.hasMedia { _ = try await readers(of: call) }
    let outline = outline(of: call)
    if let outline { prompts.see(outline, call.promptScope(ways.next[0]), at: now) }
    retryBudget.called()
    while true {
      number += 1
      let (end, route, line) = try await attempt(
        call, ticket, ways.next,
        Attempt(
          number: number, flight: flight, kind: kind, startBy: deadline, outline: outline),
        into: sink)
      number += end.hedges
      switch end.result {
      case .answered(let body, let facts):
        var receipt = receipt(line, route, facts, ticket, attempts: number)
        receipt.cacheReadPredicted = end.cacheReadPredicted
        return CallAnswer(body: body, receipt: receipt)
      case .failed(let failure, let body):
        note(failure, route, ticket, number)
        if let broken = end.mediaFailure { throw broken }
        var refusal = ProviderRefusal(
          failure: failure, dialect: route.dialect, body: body, attempts: number,
          provider: route.provider.name)
        refusal.concernsOneCaller = end.hasBegun || end.outcome == .abandoned
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
    /// The number of the flight that it is made for.
    let flight: UInt64
    let kind: AttemptKind
    let startBy: MonotonicInstant?
    let outline: PromptOutline?
    var prompt: PromptPlan?
    var stored: StoredMedia?
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
      airborne[attempt.flight]?.hasLeft = true
      if route.deskName != routes[0].deskName, attempt.prompt != nil {
        promptEnded(attempt.prompt, nil, call)
        attempt.prompt = await promptPlan(
          attempt.outline, call, route, mayWait: false, startBy: nil)
      }
      let hold = try await self.hold(call, ticket, route, &attempt, seat)
      var leg = AttemptLeg(route: route, attempt: attempt, seat: seat, hold: hold)
      var end: ExchangeEnd
      if let patience = hedgePatience(of: call, leg) {
        (leg, end) = await raced(call, ticket, leg, routes, patience, into: sink)
      } else {
        end = await exchange(call, leg, ticket, into: sink)
      }
      let line = try await settle(leg, end, call)
      end.cacheReadPredicted = leg.attempt.prompt?.readPredicted ?? 0
      return (end, leg.route, line)
    } catch {
      promptEnded(attempt.prompt, nil, call)
      throw error
    }
  }

  /// Waits until the desk lets the call leave, and says by which way.
  private func seat(
    _ call: PreparedCall, _ routes: [ModelRoute], _ attempt: Attempt
  ) async throws -> (Ticket, ModelRoute) {
    let seat = try await admitted(
      asked(call, routes, attempt, run: call.request.run?.text ?? ""))
    return (seat, routes.first { $0.deskName == seat.route } ?? routes[0])
  }

  /// What the desk is asked for an attempt.
  func asked(
    _ call: PreparedCall, _ routes: [ModelRoute], _ attempt: Attempt, run: String
  ) -> Call {
    let request = call.request
    lastCallID += 1
    let isKnown = catalog.product(request.caller.product.text) != nil
    var asked = Call(
      id: lastCallID, product: isKnown ? request.caller.product.text : Catalog.defaultProduct,
      run: run, priority: request.terms.priority, routes: routes.map(\.deskName),
      failover: request.terms.failover, need: call.need)
    asked.startBy = attempt.startBy
    // Where a provider does not count what it reads from its cache, neither does the desk.
    asked.need.cachedInput = min(asked.need.input, attempt.prompt?.readPredicted ?? 0)
    return asked
  }

  /// Holds what the attempt may cost, and says that it is about to be sent.
  private func hold(
    _ call: PreparedCall, _ ticket: CallTicket, _ route: ModelRoute, _ attempt: inout Attempt,
    _ seat: Ticket
  ) async throws -> AttemptHold {
    do {
      if call.request.hasMedia { attempt.stored = try await storedMedia(of: call) }
      let hold = try await reserve(call, ticket, route, attempt)
      try ledger.sent(hold)
      return hold
    } catch {
      _ = desk.release(seat, at: now)
      pump()
      throw error
    }
  }

  /// What an attempt came to, for all who count: the desk, those who wait for its prefix, the
  /// ledger.
  func settle(
    _ leg: AttemptLeg, _ end: ExchangeEnd, _ call: PreparedCall
  ) async throws -> LedgerLine {
    let settled = GatewayLimits.Settlement(
      end.outcome, usage: end.settlement.flatMap(Self.deskUsage),
      headers: end.headers.map(ProviderHeaders.init))
    // While the disk is at work.
    let release = {
      _ = self.desk.settle(leg.seat, settled, at: self.now, using: &self.random)
      self.pump()
      self.promptEnded(leg.attempt.prompt, end.usage, call)
    }
    guard let settlement = end.settlement else {
      return try await ledger.void(leg.hold, meanwhile: release)
    }
    return try await ledger.settle(leg.hold, settlement, meanwhile: release)
  }

  func reserve(
    _ call: PreparedCall, _ ticket: CallTicket, _ route: ModelRoute, _ attempt: Attempt
  ) async throws -> AttemptHold {
    let request = call.request
    guard let provider = GatewayName(route.provider.name) else {
      throw Fault(.internal, reason: "BAD_CATALOG", "A provider has no proper name.")
    }
    let party = CallParty(
      product: request.caller.product, key: request.caller.key, run: request.run,
      model: call.model)
    var order = AttemptOrder(party: party, provider: provider, bound: call.bound)
    order.kind = attempt.kind
    order.cacheReadPredicted = attempt.prompt?.readPredicted ?? 0
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

  func note(
    _ failure: ProviderFailure, _ route: ModelRoute, _ ticket: CallTicket, _ number: UInt32
  ) {
    counts.failed(failure, at: route.provider.name)
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
