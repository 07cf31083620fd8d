package import GatewayValues

/// One line of the ledger. Lines are added and never changed.
package struct LedgerLine: Hashable, Sendable {
  package enum Kind: Int64, Sendable {
    case attempt = 1
    /// A chunk that was open when the power went: all of it may have been spent.
    case gap = 2
    /// What an earlier line is found to have cost.
    case correction = 3
  }

  /// Without a gap from 1 on.
  package var number: Int64 = 0
  package var kind = Kind.attempt
  package var attempt: AttemptID
  package var callKey = ""
  package var order: AttemptOrder
  package var state = AttemptState.reserved
  package var standing: UsageStanding?
  package var outcome: AttemptOutcome?
  package var answeredModel = ""
  package var providerRequestID = ""
  package var usage = TokenUsage()
  package var priceVersion = ""
  /// What was held, and what it cost.
  package var bound = NanoDollars.zero
  package var cost = NanoDollars.zero
  package var flags: LineFlags = []
  /// The budgets it drew from.
  package var accounts: [Int64] = []
  /// When and in which order of all operations it was reserved, sent and ended; 0: never.
  package var reserved = Moment()
  package var sent = Moment()
  package var ended = Moment()
  /// The line that this one corrects, or 0; and why.
  package var corrects: Int64 = 0
  package var evidence = ""

  /// Milliseconds since 1970, and a number that orders all operations of a ledger.
  package struct Moment: Hashable, Sendable {
    package var operation: Int64 = 0
    package var milliseconds: Int64 = 0

    package init(operation: Int64 = 0, milliseconds: Int64 = 0) {
      self.operation = operation
      self.milliseconds = milliseconds
    }
  }

  package init(attempt: AttemptID, order: AttemptOrder) {
    self.attempt = attempt
    self.order = order
  }

  /// Cost beyond what was held: spent without a reservation.
  package var excess: Int64 { kind == .attempt ? max(0, cost.count - bound.count) : 0 }
}
