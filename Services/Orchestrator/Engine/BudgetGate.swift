/// The run's own budget: spent, held by calls that may cost, and never above the cap (I4).
///
/// The gateway's budgets are the truth about money; this gate stops a run before it asks them.
package struct BudgetGate: Sendable, Equatable {
  /// 0: none.
  package var capNanos: Int64
  package private(set) var spentNanos: Int64
  private var held: [String: Int64] = [:]
  package private(set) var heldNanos: Int64 = 0

  package init(capNanos: Int64, spentNanos: Int64) {
    self.capNanos = capNanos
    self.spentNanos = spentNanos
  }

  /// What is spent, or may be already.
  package var exposureNanos: Int64 { spentNanos &+ heldNanos }

  package func admits(_ boundNanos: Int64) -> Bool {
    guard capNanos > 0 else { return true }
    let (sum, overflows) = exposureNanos.addingReportingOverflow(max(0, boundNanos))
    return !overflows && sum <= capNanos
  }

  /// Takes the bound of a call, if it fits; a call that holds already holds no more.
  package mutating func hold(_ boundNanos: Int64, for call: String) -> Bool {
    if held[call] != nil { return true }
    guard admits(boundNanos) else { return false }
    take(boundNanos, for: call)
    return true
  }

  /// Takes what a call of an earlier owner may cost: it is owed, whether it fits or not.
  package mutating func take(_ boundNanos: Int64, for call: String) {
    release(call)
    held[call] = max(0, boundNanos)
    heldNanos &+= max(0, boundNanos)
  }

  /// The call cost nothing, or did not happen.
  package mutating func release(_ call: String) {
    if let bound = held.removeValue(forKey: call) { heldNanos &-= bound }
  }

  /// The call cost this much.
  package mutating func settle(_ call: String, costNanos: Int64) {
    release(call)
    spentNanos &+= max(0, costNanos)
  }
}
