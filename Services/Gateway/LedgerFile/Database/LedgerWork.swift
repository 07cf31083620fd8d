package import Faults
package import GatewayBudgets
package import GatewayValues

/// What the writer is asked to make durable, in this order.
package enum LedgerWork: Sendable {
  /// In a box: it is the largest by far, and is handed on from list to list.
  indirect case line(LiveAttempt)
  /// An account that nobody has open; its ceiling is raised at once.
  case open(AccountKey, cap: Int64, wanted: Int64)
  case raise(Escrow.Raise)
  case handBack(Escrow.Raise)
  case correct(Correction)
  case set(LedgerChange)
  /// Nothing: whoever asks wants to know that all before it is on the disk.
  case barrier
}

/// What became of one of them.
package enum LedgerReceipt: Sendable {
  indirect case line(LedgerLine)
  case account(EscrowAccount)
  case raised(Escrow.Raise)
  case done
  case refused(Fault)
}

/// What an uncertain line is found to have cost, and how that is known.
package struct Correction: Sendable {
  package let line: Int64
  package let cost: NanoDollars
  package let evidence: String
  package let moment: LedgerLine.Moment
  /// What was used, where a provider has said it after all.
  package let late: Settlement?
  package let note: ChangeNote

  package init(
    line: Int64, cost: NanoDollars, evidence: String, moment: LedgerLine.Moment,
    late: Settlement? = nil, note: ChangeNote
  ) {
    self.line = line
    self.cost = cost
    self.evidence = evidence
    self.moment = moment
    self.late = late
    self.note = note
  }
}

/// A change by an administrator.
package enum LedgerChange: Sendable {
  case budget(Budget, isRemoved: Bool, LedgerLine.Moment, note: ChangeNote)
  case price(PriceTable.Entry, model: String, at: Int64, note: ChangeNote)
  case key(LedgerKey, at: Int64, note: ChangeNote)
  case product(LedgerProduct, at: Int64, note: ChangeNote)
}

/// Who may call, as far as the ledger knows: the secret's SHA-256, never the secret.
package struct LedgerKey: Hashable, Sendable {
  package var hash: [UInt8]
  package var name: GatewayName
  package var product: GatewayName
  package var role: GatewayName
  package var limits: [UInt8]
  package var isRevoked: Bool

  package init(
    hash: [UInt8], name: GatewayName, product: GatewayName, role: GatewayName,
    limits: [UInt8] = []
  ) {
    self.hash = hash
    self.name = name
    self.product = product
    self.role = role
    self.limits = limits
    isRevoked = false
  }
}

/// A product with the limits that its owner reads as it likes.
package struct LedgerProduct: Hashable, Sendable {
  package var name: GatewayName
  package var limits: [UInt8]
  package var isRemoved = false

  package init(name: GatewayName, limits: [UInt8] = []) {
    self.name = name
    self.limits = limits
  }
}
