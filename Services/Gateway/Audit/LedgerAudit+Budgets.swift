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
        let cap = Self.version(of: versions[account.budget] ?? [], at: step.operation)?.cap
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
    func step(_ operation: Int64, _ account: Int64, _ change: Int64, isDraw: Bool) -> Step {
      Step(
        operation: operation, line: line.number, account: account, change: change,
        excess: operation == line.endedOp ? excess : 0, isDraw: isDraw)
    }
    return line.accounts.flatMap { account in
      switch line.kind {
      case 1:
        [
          step(line.reservedOp, account, line.bound, isDraw: true),
          step(line.endedOp, account, line.cost - line.bound, isDraw: false),
        ]
      case 2: [step(line.endedOp, account, line.cost, isDraw: true)]
      default: [step(line.endedOp, account, line.cost - line.bound, isDraw: false)]
      }
    }
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

  // MARK: - Against the bill

  /// Puts each billed call beside the line that has its request, or else beside an uncertain
  /// line of its call. A batch tells nobody its requests' names: there the call's key is the name.
  mutating func compare(with bill: [BilledCall]) {
    var comparison = BillComparison()
    var byRequest: [String: AuditedLine] = [:]
    var batched: [String: AuditedLine] = [:]
    var uncertain: [String: [AuditedLine]] = [:]
    let corrections = Dictionary(lines.filter { $0.kind == 3 }.map { ($0.corrects, $0) }) { $1 }
    for line in lines where line.kind == 1 {
      // What a request of a batch was found to cost after a crash stands in its line's place.
      let word = line.isBatched ? corrections[line.number] ?? line : line
      if word.state == 5 {
        comparison.uncertain.append(line.number)
        uncertain[line.callKey, default: []].append(line)
      } else if line.isBatched, line.state != 4 {
        batched[line.callKey] = word
      }
      if !word.requestID.isEmpty { byRequest[word.requestID] = word }
    }
    var billed: Set<Int64> = []
    for call in bill {
      comparison.billedTotal = NanoDollars(comparison.billedTotal.count &+ call.cost.count)
      let named =
        call.isBatched
        ? batched[call.callKey] ?? byRequest[call.callKey] : byRequest[call.requestID]
      if let line = named {
        billed.insert(line.number)
        Self.put(call, beside: line, into: &comparison)
      } else if let line = uncertain[call.callKey]?.popLast() {
        billed.insert(line.number)
        if call.cost.count > line.bound { comparison.differing.append(line.number) }
      } else {
        comparison.missing.append(call.requestID)
      }
    }
    comparison.extra = lines.filter {
      ($0.kind == 1 || $0.kind == 3 && $0.isBatched) && $0.state == 3 && $0.cost > 0
        && !billed.contains($0.number)
    }.map(\.number)
    report.bill = comparison
  }

  private static func put(
    _ call: BilledCall, beside line: AuditedLine, into comparison: inout BillComparison
  ) {
    let usage = [
      call.usage.freshInput, call.usage.cacheRead, call.usage.cacheWriteShort,
      call.usage.cacheWriteLong, call.usage.output, call.usage.reasoning, call.usage.webSearches,
    ]
    if line.state == 5 {
      if call.cost.count > line.bound { comparison.differing.append(line.number) }
    } else if line.cost == call.cost.count, line.usage == usage, line.isBatched == call.isBatched {
      comparison.equal += 1
    } else {
      comparison.differing.append(line.number)
    }
  }
}
