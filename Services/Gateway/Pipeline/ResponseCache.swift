package import GatewayValues

/// Whole answers by what was asked, for one product each.
package protocol ResponseCache: Sendable {
  func answer(product: GatewayName, hash: [UInt8]) async -> CallAnswer?
  func keep(_ answer: CallAnswer, product: GatewayName, hash: [UInt8])
}

/// Keeps nothing.
package struct NoCache: ResponseCache {
  package init() {}
  package func answer(product: GatewayName, hash: [UInt8]) async -> CallAnswer? { nil }
  package func keep(_ answer: CallAnswer, product: GatewayName, hash: [UInt8]) {}
}
