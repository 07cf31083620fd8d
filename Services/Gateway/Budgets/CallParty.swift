// GatewayBudgets: what may be spent by whom and when: scopes, periods in any zone's days, and the
// arithmetic of drawing from several caps at once. Pure values: it writes nothing, and reads no
// file but a zone's rules. It never says what a call costs. Limits: `BudgetLimits`.

package import GatewayValues

/// Bounds of budgets.
package enum BudgetLimits {
  /// Budgets that one call may fall under.
  package static let perCallMax = 16
  /// Budgets that are in force.
  package static let inForceMax = 100_000
  /// A budget's open chunk is at least and at most so much; near the cap it is what is left.
  package static let chunkMin: Int64 = 50_000_000
  package static let chunkMax: Int64 = 20_000_000_000
  /// A chunk that does not last so long is too small.
  package static let chunkMilliseconds: Int64 = 1_000
}

/// Who pays for an attempt, and for what: what budgets look at.
package struct CallParty: Hashable, Sendable {
  package var product: GatewayName
  package var key: GatewayName
  package var run: GatewayName?
  /// As it was asked for.
  package var model: GatewayName

  package init(
    product: GatewayName, key: GatewayName, run: GatewayName? = nil, model: GatewayName
  ) {
    self.product = product
    self.key = key
    self.run = run
    self.model = model
  }
}
