package import Faults
package import GatewayBudgets
package import GatewayValues
package import LedgerFile
import Locking

extension Ledger {
  /// Returns when the file has every line of which somebody may have heard, or cannot have it.
  private func catchUp() async {
    if state.withLock({ $0.linesUnderWay > 0 }) { _ = try? await perform(.barrier) }
  }

  private func askOfAll<R: Sendable>(
    _ body: @escaping @Sendable (LedgerReader) throws(Fault) -> R
  ) async throws(Fault) -> R {
    await catchUp()
    return try await ask(body)
  }

  /// A page of lines, by their numbers.
  package func lines(_ filter: LineFilter) async throws(Fault) -> [LedgerLine] {
    try await askOfAll { reader throws(Fault) in try reader.lines(filter) }
  }

  package func spend(
    by grouping: SpendGrouping, _ filter: SpendFilter = SpendFilter()
  ) async throws(Fault) -> [SpendRow] {
    try await askOfAll { reader throws(Fault) in try reader.spend(by: grouping, filter) }
  }

  /// A call that was settled under its key.
  package func call(_ name: CallName) async throws(Fault) -> SettledCall? {
    if state.withLock({ $0.calls[name] != nil }) { await catchUp() }
    return try await ask { reader throws(Fault) in try reader.call(name)?.settled }
  }

  /// How every subject of a budget stands in the window of now.
  package func standings(of name: GatewayName) async throws(Fault) -> [BudgetStanding] {
    let now = options.clock()
    let known = state.withLock { state -> (Budget, BudgetWindow)? in
      guard let budget = state.budgets[name] else { return nil }
      return state.budgets.window(of: name, at: max(now, state.latest)).map { (budget, $0) }
    }
    guard let (budget, window) = known else { throw Self.unknownBudget(name) }
    let stored = try await ask { reader throws(Fault) in
      try reader.accounts(of: budget, window: window)
    }
    let open = state.withLock { state in
      state.escrow.accounts.values.filter {
        $0.key.budget == name && $0.key.window == window
      }.compactMap { state.standing(of: $0.id) }
    }
    // What memory knows is newer than the file.
    var standings = Dictionary(stored.map { ($0.subject, $0) }) { first, _ in first }
    for standing in open { standings[standing.subject] = standing }
    if standings.isEmpty {
      return [
        BudgetStanding(
          budget: name, subject: "", cap: budget.cap, settled: .zero, held: .zero,
          uncertain: .zero, window: window)
      ]
    }
    return standings.values.sorted { $0.subject < $1.subject }
  }

  package var budgets: [Budget] { state.withLock { $0.budgets.budgets } }
  package var prices: PriceTable { state.withLock { $0.prices } }

  package func history(of budget: GatewayName) async throws(Fault) -> [BudgetVersion] {
    try await ask { reader throws(Fault) in try reader.history(of: budget) }
  }

  package func keys() async throws(Fault) -> [LedgerKey] {
    try await ask { reader throws(Fault) in try reader.keys() }
  }

  package func products() async throws(Fault) -> [LedgerProduct] {
    try await ask { reader throws(Fault) in try reader.products() }
  }

  /// Attempts that hold something under a budget now, or wait to.
  package func attemptsHeld(underBudget name: GatewayName) -> Int {
    state.withLock { state in
      state.held { line in
        line.accounts.contains { state.escrow.accounts[$0]?.key.budget == name }
      }
    }
  }

  package func attemptsHeld(ofProduct name: GatewayName) -> Int {
    state.withLock { state in
      state.waiting.count { $0.order.party.product == name }
        + state.held { $0.order.party.product == name }
    }
  }

  // MARK: - Accounts

  /// A page of attempts, the newest first.
  package func attempts(_ filter: AttemptFilter) async throws(Fault) -> [KnownAttempt] {
    try await askOfAll { reader throws(Fault) in try reader.attempts(filter) }
  }

  package func attempt(_ id: AttemptID) async throws(Fault) -> KnownAttempt? {
    try await askOfAll { reader throws(Fault) in try reader.attempt(id) }
  }

  package func attempt(ofLine number: Int64) async throws(Fault) -> KnownAttempt? {
    try await askOfAll { reader throws(Fault) in try reader.attempt(ofLine: number) }
  }

  package func summary(
    by grouping: SpendGrouping?, _ filter: AttemptFilter
  ) async throws(Fault) -> [SpendSummary] {
    try await askOfAll { reader throws(Fault) in try reader.summary(by: grouping, filter) }
  }

  /// What prompt caches gave and cost, by model.
  package func caching(_ filter: AttemptFilter) async throws(Fault) -> [CachingSummary] {
    try await askOfAll { reader throws(Fault) in try reader.caching(filter) }
  }

  /// Every word on each budget, in their order.
  package func budgetVersions() async throws(Fault) -> [BudgetVersion] {
    try await ask { reader throws(Fault) in try reader.budgetVersions() }
  }

  package func priceVersions() async throws(Fault) -> [PriceVersion] {
    try await ask { reader throws(Fault) in try reader.priceVersions() }
  }

  package func productVersions() async throws(Fault) -> [ProductVersion] {
    try await ask { reader throws(Fault) in try reader.productVersions() }
  }

  package func keyRecords() async throws(Fault) -> [KeyRecord] {
    try await ask { reader throws(Fault) in try reader.keyRecords() }
  }

  package func changes(countMax: Int) async throws(Fault) -> [LoggedChange] {
    try await ask { reader throws(Fault) in try reader.changes(countMax: countMax) }
  }

  static func unknownBudget(_ name: GatewayName) -> Fault {
    Fault(
      .notFound, reason: "BUDGET_UNKNOWN", "There is no budget \(name).",
      facts: ["budget": name.text])
  }
}

extension LedgerState {
  /// How many attempts that have not ended are as asked.
  fileprivate func held(_ isMeant: (LedgerLine) -> Bool) -> Int {
    live.values.count { !$0.machine.state.isEnd && isMeant($0.attempt.line) }
  }
}
