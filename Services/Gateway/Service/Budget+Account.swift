import GatewayAccount
import GatewayBudgets
import GatewayContract
import GatewayValues
import LedgerFile

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
