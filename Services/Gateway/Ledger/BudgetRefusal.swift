package import Faults
package import GatewayBudgets
package import GatewayValues
import LedgerFile

/// Why a call may not be made: this budget has not so much left.
package struct BudgetRefusal: Hashable, Sendable {
  package let standing: BudgetStanding
  package let asked: NanoDollars
}

extension BudgetRefusal: FaultConvertible {
  package var fault: Fault {
    var facts = [
      "budget": standing.budget.text, "cap": standing.cap.description,
      "spent": standing.settled.description, "held": standing.held.description,
      "uncertain": standing.uncertain.description, "remaining": standing.remaining.description,
      "asked": asked.description,
    ]
    if !standing.subject.isEmpty { facts["subject"] = standing.subject }
    if standing.window.end != .max {
      facts["window_ends_ms"] = String(standing.window.end)
    }
    return Fault(
      .resourceExhausted, reason: "BUDGET_EXHAUSTED",
      "The budget \(standing.budget) has \(standing.remaining) left; the call may cost \(asked).",
      hint: "Raise its cap, ask for less, or wait until its window ends.", facts: facts)
  }
}
