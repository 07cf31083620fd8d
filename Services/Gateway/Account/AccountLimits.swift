// GatewayAccount: who may call, what they may spend and what it costs, as the operator's file and
// the Account service say it: the words of both in one order, the latest holding, made durable in
// the ledger and taken by calls from the next one on. A file that is not whole changes nothing. It
// makes no call, keeps no secret but its SHA-256, and rewrites no history.
// Limits: `AccountLimits`, `CatalogLimits`, `LedgerLimits`.

/// Named limits of accounts.
package enum AccountLimits {
  /// Keys that were ever made, the revoked ones included.
  package static let keysMax = 10_000
  package static let productsMax = 1_000
  /// Changes that wait for the one before.
  package static let changesWaitingMax = 256
  package static let secretBytes = 32
  package static let secretPrefix = "assay_"
  /// How long a file lies still before it is read again: editors write in several steps.
  package static let settleTime = Duration.milliseconds(50)
}
