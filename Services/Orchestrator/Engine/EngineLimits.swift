/// Bounds of one run in one process; a run of any length fits into them.
package enum EngineLimits {
  /// Model calls at once.
  package static let widthDefault = 16
  package static let widthMax = 256
  /// Families of batches held at once, for each call at once.
  package static let familiesPerCall = 4
  /// Units of one planning, closing or reopening commit, and of one page that is read.
  package static let pageUnitsMax = 256
  /// Payloads of one planning commit; a request of Store holds 4 MiB.
  package static let pageBytesMax = 2 << 20
  package static let batchUnitsMax = 64
  /// Answers that one commit settles, and the bytes of their texts: one answer however long.
  package static let settledTogetherMax = 16
  package static let settledBytesMax = 256 << 10
  /// Calls for one unit, when its run does not say; splits come on top, since they end.
  package static let attemptsDefault = 4
  /// The same call again after an error that may pass.
  package static let transientRepeatsMax = 4
  package static let backoffFirstMs: Int64 = 500
  package static let backoffMostMs: Int64 = 30_000
  /// How long a call waits for a rate or for the gateway to come back.
  package static let patienceMs: Int64 = 600_000
  /// How long a run that stops waits to hear what became of its calls.
  package static let stopPatienceMs: Int64 = 60_000
  /// Between two tries of a commit, a read or a look-up; the lease bounds how many.
  package static let askAgainFirstMs: Int64 = 50
  package static let askAgainMostMs: Int64 = 5_000
  /// Of one line for a person.
  package static let detailBytesMax = 500
}
