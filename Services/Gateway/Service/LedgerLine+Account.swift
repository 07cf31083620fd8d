import GatewayAccount
import GatewayBudgets
import GatewayContract
import GatewayLedger
import GatewayValues
import LedgerFile
import ScoreContract

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

extension Caching {
  init(_ sum: CachingSummary) {
    self.init()
    model = sum.model
    calls = sum.calls
    attempts = sum.attempts
    uncertainNanos = sum.uncertain.count
    var usage = Usage(sum.usage)
    usage.costNanos = sum.settled.count
    usage.completeness = sum.uncertain == .zero ? .exact : .uncertain
    self.usage = usage
    cacheReadPredicted = sum.readPredicted
    uncachedCostNanos = sum.uncached.count
    savedShare = sum.savedShare
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

extension Usage {
  /// What a line says that an attempt used, and cost.
  init(_ line: LedgerFile.LedgerLine) {
    self.init(line.usage)
    costNanos = line.cost.count
    priceVersion = line.priceVersion
    completeness =
      switch line.standing {
      case .exact: .exact
      case .estimated: .estimated
      case .uncertain: .uncertain
      case nil: .unspecified
      }
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
    var usage = Usage(line)
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
