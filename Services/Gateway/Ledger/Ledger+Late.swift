package import Faults
import GatewayBudgets
import GatewayValues
package import LedgerFile
import Locking

/// Attempts that outlive their process: a provider's batch goes on while a gateway is down.
extension Ledger {
  /// Which budget could not hold all of these orders together; nil when every one could, as things
  /// stand. It holds nothing: whoever was told so may still be refused.
  package func refusal(of orders: [AttemptOrder]) throws(Fault) -> BudgetRefusal? {
    let now = options.clock()
    return try change { state throws(Fault) in try state.refusal(of: orders, at: now) }
  }

  /// Says what an attempt of an earlier process came to, whose line is uncertain since nobody knew
  /// then: a correction, with what was used. nil for the settlement: nothing was paid.
  ///
  /// The same again does nothing. Answers the line as it stands; nil when there is none, since a
  /// power cut took it and its money lies in a gap.
  @discardableResult
  package func settleLate(
    _ id: AttemptID, _ settlement: Settlement?, evidence: String
  ) async throws(Fault) -> LedgerLine? {
    guard let line = try await ask({ reader throws(Fault) in try reader.line(of: id) }) else {
      return nil
    }
    guard line.state == .uncertain else { return line }
    var late = settlement ?? Settlement(.used(TokenUsage()), .failed)
    guard case .used(let usage) = late.amount else { return line }
    let history = state.withLock { $0.prices.history(of: line.order.party.model.text) }
    guard let price = history.first(where: { $0.version == line.priceVersion })?.price,
      let cost = price.cost(of: usage, isBatched: line.order.isBatched)
    else { return line }
    late.answeredModel = LedgerState.kept(late.answeredModel)
    late.providerRequestID = LedgerState.kept(late.providerRequestID)
    do throws(Fault) {
      return try await resolve(line: line.number, cost: cost, evidence: evidence, late: late)
    } catch {
      // Said before, by a process that ended before it could write that down.
      guard error.reason == "LINE_CORRECTED" else { throw error }
      return line
    }
  }
}

extension LedgerState {
  fileprivate mutating func refusal(
    of orders: [AttemptOrder], at now: Int64
  ) throws(Fault) -> BudgetRefusal? {
    try checkIsOpen()
    latest = max(latest, now)
    guard live.count + orders.count <= LedgerLimits.liveAttemptsMax else {
      throw .ledgerBusy("liveAttemptsMax")
    }
    var wanted: [CallParty: Int64] = [:]
    for order in orders {
      let (sum, overflows) = wanted[order.party, default: 0]
        .addingReportingOverflow(try price(of: order).1.count)
      wanted[order.party] = overflows ? .max : sum
    }
    var asked: [AccountKey: Int64] = [:]
    for (party, amount) in wanted {
      for key in budgets.accounts(of: party, at: latest).keys {
        let (sum, overflows) = asked[key, default: 0].addingReportingOverflow(amount)
        asked[key] = overflows ? .max : sum
      }
    }
    for (key, amount) in asked {
      guard let budget = budgets[key.budget] else { continue }
      // One that nobody has open has its whole cap, or is refused when it is drawn from.
      var standing = BudgetStanding(
        budget: key.budget, subject: key.subject, cap: budget.cap, settled: .zero, held: .zero,
        uncertain: .zero, window: key.window)
      if let id = escrow.id(of: key), let known = self.standing(of: id) { standing = known }
      if standing.remaining.count < amount {
        return BudgetRefusal(standing: standing, asked: NanoDollars(amount))
      }
    }
    return nil
  }
}
