import GatewayLedger
package import GatewayLimits
import GatewayPacing
import GatewayValues
package import LedgerFile

extension CallPipeline {
  /// What became of a call, without making it.
  package enum Standing: Sendable {
    case unknown
    case inFlight
    case settled(SettledCall)
    case uncertain
    case void
  }

  package func standing(of name: CallName) async throws -> Standing {
    if flightsByKey[name] != nil { return .inFlight }
    if let settled = try await ledger.call(name) { return .settled(settled) }
    var filter = AttemptFilter()
    filter.product = name.product
    filter.callKey = name.key.text
    filter.countMax = LedgerLimits.pageMax
    let attempts = try await ledger.attempts(filter)
    if attempts.isEmpty { return .unknown }
    // What one of them was found to have cost says nothing of the others.
    if attempts.contains(where: { $0.line.state == .uncertain && $0.correction == nil }) {
      return .uncertain
    }
    let paid = attempts.lazy.map { $0.correction ?? $0.line }.first { $0.cost > .zero }
    return paid.map { .settled(SettledCall(line: $0, reply: nil)) } ?? .void
  }

  /// What is used of each limit, for whoever watches.
  package var limitUse: DeskUsage { desk.usage(at: now) }
}
