import GatewayValues
import SQLite

extension LedgerAudit {
  private struct Account {
    let budget: String
    let subject: String
    let start: Int64
    let end: Int64
  }

  private struct Version {
    /// Product, key, run, model: nothing for anybody, `*` for each.
    let scope: [String]
    let cap: Int64
    let isRemoved: Bool
    let operation: Int64
  }

  /// What happens to an account, in the order of all operations.
  private struct Step {
    let operation: Int64
    let line: Int64
    let account: Int64
    let change: Int64
    /// Spent beyond what was held: allowed to be above the cap, and told as a defect.
    let excess: Int64
    /// Whether it takes something from the cap.
    let isDraw: Bool
    /// Whether it was taken before, and is only told here.
    var isLate = false
  }

  /// Every line drew from every budget it fell under and from no other, and no cap was ever
  /// passed, looked at after each single operation.
  mutating func checkBudgets() throws(SQLiteError) {
    let accounts = try allAccounts()
    let versions = try allVersions()
    checkScopes(accounts, versions)
    var steps: [Step] = []
    for line in lines { steps += Self.steps(of: line) }
    steps.sort { ($0.operation, $0.line) < ($1.operation, $1.line) }
    var used: [Int64: Int64] = [:]
    var excess: [Int64: Int64] = [:]
    for step in steps {
      used[step.account, default: 0] += step.change
      excess[step.account, default: 0] += step.excess
      guard step.isDraw, let account = accounts[step.account],
        let cap = Self.cap(on: step, versions[account.budget] ?? [])
      else { continue }
      if (used[step.account] ?? 0) > cap + (excess[step.account] ?? 0) {
        report.add(
          .cap, "accounts \(step.account)",
          "\(used[step.account] ?? 0) of \(cap) at operation \(step.operation)")
      }
    }
  }

  private static func steps(of line: AuditedLine) -> [Step] {
    let excess = max(0, line.cost - line.bound)
    func step(
      _ operation: Int64, _ account: Int64, _ change: Int64, isDraw: Bool, isLate: Bool = false
    ) -> Step {
      Step(
        operation: operation, line: line.number, account: account, change: change,
        excess: operation == line.endedOp ? excess : 0, isDraw: isDraw, isLate: isLate)
    }
    return line.accounts.flatMap { account in
      switch line.kind {
      case 1:
        [
          step(line.reservedOp, account, line.bound, isDraw: true),
          step(line.endedOp, account, line.cost - line.bound, isDraw: false),
        ]
      case 2: [step(line.endedOp, account, line.cost, isDraw: true, isLate: true)]
      default: [step(line.endedOp, account, line.cost - line.bound, isDraw: false)]
      }
    }
  }

  /// The cap that a draw was held to. What a power cut took was drawn under a cap that may have
  /// been lowered since, so the highest of them counts.
  private static func cap(on step: Step, _ versions: [Version]) -> Int64? {
    guard step.isLate else { return version(of: versions, at: step.operation)?.cap }
    return versions.filter { $0.operation < step.operation }.map(\.cap).max()
  }

  private static func version(of versions: [Version], at operation: Int64) -> Version? {
    versions.last { $0.operation < operation }
  }

  private func allAccounts() throws(SQLiteError) -> [Int64: Account] {
    var all: [Int64: Account] = [:]
    let row = try connection.statement(
      "SELECT id, budget, subject, window_start, window_end FROM accounts")
    while try row.step() {
      all[row.int64(at: 0)] = Account(
        budget: row.text(at: 1), subject: row.text(at: 2), start: row.int64(at: 3),
        end: row.int64(at: 4))
    }
    return all
  }

  private func allVersions() throws(SQLiteError) -> [String: [Version]] {
    var all: [String: [Version]] = [:]
    let row = try connection.statement(
      """
      SELECT name, product, api_key, run, model, cap, is_removed, operation
      FROM budget_versions ORDER BY number
      """)
    while try row.step() {
      all[row.text(at: 0), default: []].append(
        Version(
          scope: (1...4).map { row.text(at: $0) }, cap: row.int64(at: 5),
          isRemoved: row.int64(at: 6) == 1, operation: row.int64(at: 7)))
    }
    return all
  }

  private mutating func checkScopes(
    _ accounts: [Int64: Account], _ versions: [String: [Version]]
  ) {
    for line in lines where line.kind == 1 {
      var drawn: Set<String> = []
      for id in line.accounts {
        guard let account = accounts[id] else { continue }
        drawn.insert(account.budget)
        let scope = versions[account.budget]?.first?.scope
        if scope.flatMap({ Self.subject(of: line.party, in: $0) }) != account.subject
          || !(account.start..<account.end).contains(line.reservedAt)
        {
          report.add(.scope, "lines \(line.number)", "account \(id) is not one of its own")
        }
      }
      for (budget, history) in versions where !drawn.contains(budget) {
        guard let version = Self.version(of: history, at: line.reservedOp), !version.isRemoved,
          Self.subject(of: line.party, in: version.scope) != nil
        else { continue }
        report.add(.scope, "lines \(line.number)", "it did not draw from \(budget)")
      }
    }
  }

  /// Whose account within a scope a party has; nil when the scope is not about it.
  private static func subject(of party: [String], in scope: [String]) -> String? {
    var parts: [String] = []
    for (part, value) in zip(scope, party) {
      if part == "*" {
        if value.isEmpty { return nil }
        parts.append(value)
      } else if !part.isEmpty, part != value {
        return nil
      }
    }
    return parts.joined(separator: " ")
  }
}
