import Faults
import GatewayAccount
import GatewayBudgets
import GatewayContract
import GatewayLedger
import GatewayValues
import LedgerFile
import ScoreContract

// MARK: - Budgets

extension GatewayContract.Budget {
  init(_ known: AccountBook.KnownStanding) {
    self.init()
    let budget = known.budget
    id = budget.name.text
    scope = GatewayContract.BudgetScope(budget.scope, known.standing.subject)
    period = GatewayContract.Budget.Period(budget.period)
    timeZone = budget.zone
    capNanos = known.standing.cap.count
    settledNanos = known.standing.settled.count
    heldNanos = known.standing.held.count
    uncertainNanos = known.standing.uncertain.count
    if budget.period != .total {
      windowFromMs = known.standing.window.start
      windowToMs = known.standing.window.end
    }
    origin = known.origin.rawValue
  }
}

extension GatewayContract.BudgetScope {
  /// With the names of the one that is counted in place of each.
  init(_ scope: GatewayBudgets.BudgetScope, _ subject: String) {
    var names = subject.split(separator: " ").map(String.init)[...]
    let texts = scope.parts.map { part -> String in
      switch part {
      case .any: ""
      case .only(let name): name.text
      case .each: names.popFirst() ?? "*"
      }
    }
    self.init(product: texts[0], key: texts[1], runId: texts[2], model: texts[3])
  }
}

extension GatewayContract.Budget.Period {
  init(_ period: BudgetPeriod) {
    self =
      switch period {
      case .total: .total
      case .day: .day
      case .month: .month
      }
  }
}

extension BudgetPeriod {
  init?(_ period: GatewayContract.Budget.Period) {
    switch period {
    case .total: self = .total
    case .day: self = .day
    case .month: self = .month
    case .unspecified, .unrecognized: return nil
    }
  }
}

// MARK: - Spending

extension SpendGrouping {
  init?(_ group: GetSpendRequest.Group) {
    switch group {
    case .product: self = .product
    case .key: self = .key
    case .run: self = .run
    case .model: self = .model
    case .provider: self = .provider
    case .day: self = .day
    case .unspecified, .unrecognized: return nil
    }
  }
}

extension Spend {
  init(_ sum: SpendSummary, isDay: Bool) {
    self.init()
    group = isDay ? Int64(sum.group).map { CivilDate(day: $0).text } ?? "" : sum.group
    calls = sum.calls
    attempts = sum.attempts
    uncertainNanos = sum.uncertain.count
    var usage = Usage(sum.usage)
    usage.costNanos = sum.settled.count
    usage.completeness = sum.uncertain == .zero ? .exact : .uncertain
    self.usage = usage
  }
}

extension CivilDate {
  /// `2026-11-25`.
  fileprivate var text: String {
    func padded(_ number: Int64, _ count: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}

extension Usage {
  /// The tokens; what they cost comes from elsewhere.
  init(_ usage: TokenUsage) {
    self.init()
    inputTokens = usage.freshInput
    outputTokens = usage.output
    cacheReadTokens = usage.cacheRead
    cacheWriteTokens = usage.cacheWriteShort.adding(usage.cacheWriteLong)
    reasoningTokens = usage.reasoning
  }
}

extension GatewayContract.LedgerLine {
  init(_ known: KnownAttempt) {
    self.init()
    let line = known.line
    attemptId = AttemptPlace.name(of: line)
    callKey = line.callKey
    let party = line.order.party
    scope = GatewayContract.BudgetScope(
      product: party.product.text, key: party.key.text, runId: party.run?.text ?? "",
      model: party.model.text)
    provider = line.order.provider.text
    providerRequestId = line.providerRequestID
    modelReplied = line.answeredModel
    state = State(line.state)
    var usage = Usage(line.usage)
    usage.costNanos = line.cost.count
    usage.priceVersion = line.priceVersion
    usage.completeness =
      switch line.standing {
      case .exact: .exact
      case .estimated: .estimated
      case .uncertain: .uncertain
      case nil: .unspecified
      }
    boundNanos = line.bound.count
    outcome = line.outcome?.word ?? ""
    reservedAtMs = line.reserved.milliseconds
    settledAtMs = line.ended.milliseconds
    number = line.number
    if let correction = known.correction {
      state = .settled
      usage.costNanos = correction.cost.count
      usage.completeness = .exact
      evidence = correction.evidence
      resolvedAtMs = correction.ended.milliseconds
      resolvedByNumber = correction.number
    }
    self.usage = usage
  }
}

extension GatewayContract.LedgerLine.State {
  init(_ state: LedgerFile.AttemptState) {
    self =
      switch state {
      case .reserved: .reserved
      case .sent: .sent
      case .settled: .settled
      case .void: .void
      case .uncertain: .uncertain
      }
  }
}

extension AttemptOutcome {
  var word: String {
    switch self {
    case .answered: "answered"
    case .declined: "declined"
    case .truncated: "truncated"
    case .failed: "failed"
    case .aborted: "aborted"
    case .cancelled: "cancelled"
    case .timedOut: "timed out"
    case .notSent: "not sent"
    case .lost: "lost"
    }
  }
}

// MARK: - Products, keys, prices

extension Product {
  init(_ name: GatewayName, _ standing: AccountBook.ProductStanding) {
    self.init()
    let words = standing.words
    self.name = name.text
    weight = UInt32(clamping: words.weight)
    models = words.models
    isClosed = words.isClosed
    origin = standing.origin.rawValue
    guard !words.limits.isEmpty else { return }
    limits = CallLimits(
      requestsPerMinute: words.limits["requests_per_minute"] ?? 0,
      inputTokensPerMinute: words.limits["input_tokens_per_minute"] ?? 0,
      outputTokensPerMinute: words.limits["output_tokens_per_minute"] ?? 0,
      concurrency: words.limits["concurrency"] ?? 0,
      requestsPerHour: words.limits["requests_per_hour"] ?? 0)
  }
}

extension ProductWords {
  init(_ product: Product) {
    var limits: [String: Int64] = [:]
    let told = product.limits ?? CallLimits()
    for (name, limit) in [
      ("requests_per_minute", told.requestsPerMinute),
      ("input_tokens_per_minute", told.inputTokensPerMinute),
      ("output_tokens_per_minute", told.outputTokensPerMinute),
      ("concurrency", told.concurrency), ("requests_per_hour", told.requestsPerHour),
    ] where limit != 0 {
      limits[name] = limit
    }
    self.init(
      weight: product.weight == 0 ? 1 : Int64(product.weight), models: product.models,
      limits: limits, isClosed: product.isClosed)
  }
}

extension Key {
  init(_ key: AccountBook.KeyStanding) {
    self.init()
    id = key.id
    product = key.product.text
    name = key.name.text
    createdAtMs = key.createdAt
    revokedAtMs = key.revokedAt ?? 0
    origin = key.origin.rawValue
  }
}

extension GatewayContract.ModelPrice {
  init(_ version: PriceVersion) {
    self.init()
    model = version.model
    price = Price(
      version.entry.price, version: version.entry.version,
      fromMilliseconds: version.entry.fromMilliseconds)
    origin = version.origin.rawValue
  }
}

extension GatewayValues.ModelPrice {
  /// Kinds of input that have no price of their own cost what input costs.
  init(_ price: Price) throws(Fault) {
    let amounts = [
      price.inputNanos, price.outputNanos, price.cacheReadNanos, price.cacheWriteNanos,
      price.cacheWriteLongNanos,
    ]
    guard amounts.allSatisfy({ $0 >= 0 }), price.batchPercent <= 100 else {
      throw AccountAccess.bad("price", "An amount is below 0, or a batch costs more than its calls.")
    }
    guard price.inputNanos > 0, price.outputNanos > 0 else {
      throw AccountAccess.bad("price", "Input and output have a price above 0.")
    }
    func optional(_ nanos: Int64) -> NanoDollars? { nanos == 0 ? nil : NanoDollars(nanos) }
    self.init(
      input: NanoDollars(price.inputNanos), output: NanoDollars(price.outputNanos),
      cacheRead: optional(price.cacheReadNanos), cacheWriteShort: optional(price.cacheWriteNanos),
      cacheWriteLong: optional(price.cacheWriteLongNanos))
  }
}
