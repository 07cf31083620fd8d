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
    var filter = LineFilter()
    filter.product = name.product
    filter.isUncertainOnly = true
    let lines = try await ledger.lines(filter)
    return lines.contains { $0.callKey == name.key.text } ? .uncertain : .unknown
  }

  /// What is used of each limit, for whoever watches.
  package var limitUse: DeskUsage { desk.usage(at: now) }
}
