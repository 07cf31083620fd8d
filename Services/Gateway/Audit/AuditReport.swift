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

  /// What a line is to whoever adds it up.
  package enum LineClass: String, CaseIterable, Sendable {
    case settled
    case void
    case uncertain
    /// What a budget had open when the power went.
    case gap
    case correction
  }

  package struct Sum: Equatable, Sendable {
    package private(set) var lines = 0
    package private(set) var cost = NanoDollars.zero
    package private(set) var bound = NanoDollars.zero

    package init() {}

    mutating func add(cost: Int64, bound: Int64) {
      lines += 1
      self.cost = NanoDollars(self.cost.count &+ cost)
      self.bound = NanoDollars(self.bound.count &+ bound)
    }
  }

  /// Tokens of all attempts, by kinds that never overlap.
  package struct Usage: Equatable, Sendable {
    package static let kinds = [
      "input", "cache_read", "cache_write", "cache_write_long", "output", "reasoning",
      "web_searches",
    ]
    package private(set) var counts = [Int64](repeating: 0, count: kinds.count)

    mutating func add(_ usage: [Int64]) {
      for (place, count) in usage.prefix(counts.count).enumerated() { counts[place] &+= count }
    }
  }

  /// A line that is charged at its bound, and that nobody has resolved.
  package struct OpenLine: Equatable, Sendable {
    package let number: Int64
    package let isGap: Bool
    package let attempt: Int64
    package let product: String
    package let callKey: String
    package let provider: String
    package let requestID: String
    package let cost: NanoDollars
    package let endedAt: Int64
  }

  package internal(set) var problems: [Problem] = []
  package internal(set) var lines = 0
  package internal(set) var calls = 0
  package internal(set) var sums: [LineClass: Sum] = [:]
  package internal(set) var usage = Usage()
  /// In the order of the ledger.
  package internal(set) var open: [OpenLine] = []
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
  /// One call that ledger and bill do not say the same of.
  package struct Difference: Equatable, Sendable {
    package enum Kind: String, Sendable {
      case missing
      case extra
      case differing
    }

    package let kind: Kind
    package let requestID: String
    package let callKey: String
    /// nil where the ledger has none.
    package let line: Int64?
    package let ledgerCost: NanoDollars?
    package let billedCost: NanoDollars?
  }

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
  /// All of missing, extra and differing, one by one.
  package internal(set) var differences: [Difference] = []

  mutating func add(
    _ kind: Difference.Kind, _ call: BilledCall?, _ line: AuditedLine?, cost: Int64 = 0
  ) {
    differences.append(
      Difference(
        kind: kind, requestID: call?.requestID ?? line?.requestID ?? "",
        callKey: line?.callKey ?? call?.callKey ?? "", line: line?.number,
        ledgerCost: line == nil ? nil : NanoDollars(cost), billedCost: call?.cost))
  }

  /// Whether every billed call is in the ledger, at its cost or at a bound that covers it.
  package var coversBill: Bool { missing.isEmpty && differing.isEmpty }
}
