package import Faults
package import GatewayBudgets
package import GatewayValues
package import LedgerFile
import Locking

extension Ledger {
  /// Puts a budget in force, or changes the cap of one that is. It counts from now on.
  ///
  /// A cap below what is spent or held takes nothing back: it admits no call any more.
  package func set(_ budget: Budget, note: ChangeNote = ChangeNote(.account)) async throws(Fault) {
    _ = try TimeZoneRules(named: budget.zone)
    guard budget.cap >= .zero else { throw Self.invalid("cap", "A cap is not below zero.") }
    let note = try Self.checked(note)
    let now = options.clock()
    let (moment, old) = try change { state throws(Fault) -> (LedgerLine.Moment, Budget?) in
      let old = state.budgets[budget.name]
      guard old != nil || state.budgets.count < BudgetLimits.inForceMax else {
        throw .ledgerBusy("budgetsMax")
      }
      let moment = state.moment(now)
      // What makes it stricter holds from here on, before anybody knows whether it can be had.
      if let old, old.scope == budget.scope, budget.cap < old.cap {
        try state.hold(old, to: budget.cap)
      }
      if old == nil { try state.hold(budget, to: budget.cap) }
      return (moment, old)
    }
    do throws(Fault) {
      _ = try await perform(.set(.budget(budget, isRemoved: false, moment, note: note)))
    } catch {
      change { state in state.takeBack(budget.name, to: old) }
      throw error
    }
    try change { state throws(Fault) in try state.hold(budget, to: budget.cap) }
    retryWaiting()
  }

  /// Takes a budget out of force; its lines and its history stay.
  package func remove(budget name: GatewayName, note: ChangeNote = ChangeNote(.account))
    async throws(Fault)
  {
    let note = try Self.checked(note)
    let now = options.clock()
    let found = change { state in
      state.budgets[name].map { ($0, state.moment(now)) }
    }
    guard let (budget, moment) = found else { throw Self.unknownBudget(name) }
    _ = try await perform(.set(.budget(budget, isRemoved: true, moment, note: note)))
    change { state in
      state.budgets.remove(name)
      state.forgetParties()
    }
    retryWaiting()
  }

  /// Says what a model costs from a moment on, which is not in the past.
  package func set(
    price: ModelPrice, of model: GatewayName, version: GatewayName,
    fromMilliseconds: Int64? = nil, note: ChangeNote = ChangeNote(.account)
  ) async throws(Fault) {
    guard price.isCredible else {
      throw Self.invalid("price", "The price cannot be meant: a decimal point was lost.")
    }
    let note = try Self.checked(note)
    let now = change { state in state.moment(options.clock()).milliseconds }
    let start = fromMilliseconds ?? now
    let isFirst = state.withLock { $0.prices.history(of: model.text).isEmpty }
    guard start >= now || isFirst else {
      throw Self.invalid("from", "A new price does not hold for the past.")
    }
    let entry = PriceTable.Entry(price, fromMilliseconds: start, version: version.text)
    _ = try await perform(.set(.price(entry, model: model.text, at: now, note: note)))
    change { $0.prices.set(entry, for: model.text) }
  }

  package func set(_ key: LedgerKey, note: ChangeNote = ChangeNote(.account)) async throws(Fault) {
    guard key.hash.count == 32 else { throw Self.invalid("hash", "A SHA-256 has 32 bytes.") }
    guard key.limits.count <= LedgerLimits.limitsBlobBytesMax else {
      throw Self.invalid("limits", "They are too long.")
    }
    let note = try Self.checked(note)
    _ = try await perform(.set(.key(key, at: options.clock(), note: note)))
  }

  package func set(_ product: LedgerProduct, note: ChangeNote = ChangeNote(.account))
    async throws(Fault)
  {
    guard product.limits.count <= LedgerLimits.limitsBlobBytesMax else {
      throw Self.invalid("limits", "They are too long.")
    }
    let note = try Self.checked(note)
    _ = try await perform(.set(.product(product, at: options.clock(), note: note)))
  }

  /// Says what an uncertain line came to, with evidence; the line itself stays.
  package func resolve(
    line number: Int64, cost: NanoDollars, evidence: String,
    note: ChangeNote = ChangeNote(.account)
  ) async throws(Fault) -> LedgerLine {
    guard (NanoDollars.zero...LedgerLimits.correctionMax).contains(cost) else {
      throw Self.invalid("cost", "A cost is from $0 to \(LedgerLimits.correctionMax).")
    }
    let note = try Self.checked(note)
    let evidence = try Self.checked(evidence)
    guard !evidence.isEmpty else { throw Self.invalid("evidence", "Say how that is known.") }
    let moment = change { state in state.moment(options.clock()) }
    let receipt = try await perform(
      .correct(
        Correction(line: number, cost: cost, evidence: evidence, moment: moment, note: note)))
    retryWaiting()
    guard case .line(let line) = receipt else { throw .ledgerClosed }
    return line
  }

  private static func checked(_ note: ChangeNote) throws(Fault) -> ChangeNote {
    _ = try checked(note.stored)
    return note
  }

  private static func checked(_ note: String) throws(Fault) -> String {
    guard note.utf8.count <= LedgerLimits.noteBytesMax, !note.utf8.contains(0) else {
      throw invalid("note", "At most \(LedgerLimits.noteBytesMax) bytes of text.")
    }
    return note
  }

  private static func invalid(_ field: String, _ why: String) -> Fault {
    Fault(
      .invalidArgument, reason: "LEDGER_CHANGE_INVALID", why,
      violations: [Fault.FieldViolation(field: field, description: why)])
  }
}

extension LedgerState {
  /// A change that the disk did not take.
  mutating func takeBack(_ name: GatewayName, to old: Budget?) {
    if let old {
      try? hold(old, to: old.cap)
    } else {
      budgets.remove(name)
      forgetParties()
    }
  }

  /// Puts a budget into force with this cap.
  mutating func hold(_ budget: Budget, to cap: NanoDollars) throws(Fault) {
    var budget = budget
    budget.cap = cap
    try budgets.set(budget)
    for raise in escrow.setCap(cap.count, of: budget.name) { queue(.handBack(raise)) }
    queueRaises()
    forgetParties()
  }
}
