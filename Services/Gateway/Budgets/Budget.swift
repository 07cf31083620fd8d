package import GatewayValues

/// Whom a budget is for.
package struct BudgetScope: Hashable, Sendable {
  package enum Part: Hashable, Sendable {
    /// Whoever it is, together.
    case any
    case only(GatewayName)
    /// Whoever it is, each with the whole cap alone: also who is seen for the first time.
    case each
  }

  package var product: Part
  package var key: Part
  package var run: Part
  package var model: Part

  package init(product: Part = .any, key: Part = .any, run: Part = .any, model: Part = .any) {
    self.product = product
    self.key = key
    self.run = run
    self.model = model
  }

  package var parts: [Part] { [product, key, run, model] }
}

package enum BudgetPeriod: Int64, CaseIterable, Sendable {
  case total = 1
  case day = 2
  case month = 3
}

/// A cap on what a scope may spend in a period.
package struct Budget: Hashable, Sendable {
  package var name: GatewayName
  package var scope: BudgetScope
  package var period: BudgetPeriod
  /// An IANA name; days and months begin when they do there.
  package var zone: String
  package var cap: NanoDollars

  package init(
    _ name: GatewayName, scope: BudgetScope, period: BudgetPeriod = .total, zone: String = "UTC",
    cap: NanoDollars
  ) {
    self.name = name
    self.scope = scope
    self.period = period
    self.zone = zone
    self.cap = cap
  }
}

/// From a moment up to another, in milliseconds since 1970.
package struct BudgetWindow: Hashable, Sendable {
  package let start: Int64
  package let end: Int64

  package init(start: Int64, end: Int64) {
    self.start = start
    self.end = end
  }

  package static let always = BudgetWindow(start: 0, end: .max)

  package func contains(_ moment: Int64) -> Bool { start <= moment && moment < end }
}

/// How a budget stands.
package struct BudgetStanding: Hashable, Sendable {
  package var budget: GatewayName
  /// The values of the parts that are counted each, joined by spaces.
  package var subject: String
  package var cap: NanoDollars
  package var settled: NanoDollars
  package var held: NanoDollars
  package var uncertain: NanoDollars
  package var window: BudgetWindow

  package init(
    budget: GatewayName, subject: String, cap: NanoDollars, settled: NanoDollars,
    held: NanoDollars, uncertain: NanoDollars, window: BudgetWindow
  ) {
    self.budget = budget
    self.subject = subject
    self.cap = cap
    self.settled = settled
    self.held = held
    self.uncertain = uncertain
    self.window = window
  }

  package var remaining: NanoDollars {
    let used = settled.count.adding(held.count).adding(uncertain.count)
    return NanoDollars(max(0, cap.count.subtracting(used)))
  }
}

extension Int64 {
  /// Sums of money stop at the end of the type: a budget that is this far over stays over.
  package func adding(_ other: Int64) -> Int64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other > 0 ? .max : .min) : sum
  }

  package mutating func grow(by other: Int64) { self = adding(other) }

  package func subtracting(_ other: Int64) -> Int64 {
    let (rest, overflows) = subtractingReportingOverflow(other)
    return overflows ? (other < 0 ? .max : .min) : rest
  }
}
