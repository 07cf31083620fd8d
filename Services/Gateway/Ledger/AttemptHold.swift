import GatewayBudgets
package import GatewayValues
package import LedgerFile

/// What an attempt may cost, held for whoever has this; let go without a word, it is void when
/// nothing was sent, and charged at its bound otherwise.
package final class AttemptHold: Sendable {
  package let id: AttemptID
  package let bound: NanoDollars
  private let ledger: Ledger

  init(id: AttemptID, bound: NanoDollars, ledger: Ledger) {
    self.id = id
    self.bound = bound
    self.ledger = ledger
  }

  deinit { ledger.abandon(id) }
}

/// A call that is being made, by whoever has this; nobody else can make it meanwhile.
package final class CallTicket: Sendable {
  package let name: CallName
  let requestHash: [UInt8]
  private let ledger: Ledger

  init(name: CallName, requestHash: [UInt8], ledger: Ledger) {
    self.name = name
    self.requestHash = requestHash
    self.ledger = ledger
  }

  deinit { ledger.leave(name) }
}

/// What becomes of the wish to make a call.
package enum CallOpening: Sendable {
  case opened(CallTicket)
  /// It was made before, and is not made again.
  case settled(SettledCall)
  /// Somebody is making it now.
  case inFlight
}

/// What becomes of the wish to hold money for an attempt.
package enum Admission: Sendable {
  case held(AttemptHold)
  case refused(BudgetRefusal)
}
