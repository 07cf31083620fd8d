// GatewayAudit: adds a ledger up again from its file alone and holds it against a provider's bill.
// It shares no code with those who write the ledger but the names of money and tokens, writes
// nothing, and repairs nothing. Limits: `AuditReport.problemsMax`, `BilledCall.billBytesMax`.

package import GatewayValues

/// What an audit of a ledger's file has found.
package struct AuditReport: Equatable, Sendable {
  /// Something that cannot be so in a whole ledger.
  package struct Problem: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
      /// SQLite itself finds the file damaged.
      case file
      /// A row is not as it was written, or one is gone.
      case chain
      /// An attempt went a way that there is not.
      case path
      /// Something is there twice that can be there once.
      case repeated
      /// The usage at its price is another sum.
      case price
      /// A sum is not that of its lines.
      case balance
      /// More was spent or held than a cap allows.
      case cap
      /// A line drew from other budgets than those it fell under.
      case scope
      case call
      case reply
    }

    package let kind: Kind
    /// A table and a row, never a value of it.
    package let place: String
    package let detail: String
  }

  package internal(set) var problems: [Problem] = []
  package internal(set) var lines = 0
  package internal(set) var settled = NanoDollars.zero
  package internal(set) var uncertain = NanoDollars.zero
  /// What settlements cost beyond what was held for them.
  package internal(set) var excess = NanoDollars.zero
  /// Against a provider's bill, when there was one.
  package internal(set) var bill: BillComparison?

  package var isClean: Bool { problems.isEmpty }

  /// Problems that are told; one flipped bit can cause as many as there are lines.
  static let problemsMax = 1_000

  mutating func add(_ kind: Problem.Kind, _ place: String, _ detail: String) {
    guard problems.count < Self.problemsMax else { return }
    problems.append(Problem(kind: kind, place: place, detail: detail))
  }
}

/// A ledger's lines beside a provider's bill.
package struct BillComparison: Equatable, Sendable {
  /// Billed and settled alike.
  package internal(set) var equal = 0
  /// Billed, and in no line: requests by the provider's id.
  package internal(set) var missing: [String] = []
  /// Lines that cost something that nobody billed.
  package internal(set) var extra: [Int64] = []
  /// Lines of another usage or cost than billed.
  package internal(set) var differing: [Int64] = []
  /// Lines at their bound, whether billed or not.
  package internal(set) var uncertain: [Int64] = []
  package internal(set) var billedTotal = NanoDollars.zero

  /// Whether every billed call is in the ledger, at its cost or at a bound that covers it.
  package var coversBill: Bool { missing.isEmpty && differing.isEmpty }
}
