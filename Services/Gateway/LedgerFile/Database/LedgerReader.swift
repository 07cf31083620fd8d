package import Faults
package import GatewayBudgets
package import GatewayValues
package import SQLite

/// A call that was settled under its key.
package struct SettledCall: Hashable, Sendable {
  package let line: LedgerLine
  /// What it was answered; nil when that was not kept, or is kept no more.
  package let reply: [UInt8]?

  package init(line: LedgerLine, reply: [UInt8]?) {
    self.line = line
    self.reply = reply
  }
}

/// What some calls came to.
package struct SpendRow: Hashable, Sendable {
  package var group: String
  package var attempts: Int64
  package var settled: NanoDollars
  package var uncertain: NanoDollars
  package var inputTokens: Int64
  package var outputTokens: Int64
}

/// By what spending is told apart.
package enum SpendGrouping: String, CaseIterable, Sendable {
  case product
  case key = "api_key"
  case run
  case model
  case provider
  /// Of the calendar, in UTC.
  case day
}

/// Which spending is meant; what is nil is not asked.
package struct SpendFilter: Hashable, Sendable {
  package var product: GatewayName?
  package var run: GatewayName?
  /// Days since 1970, both included.
  package var days: ClosedRange<Int64> = 0...Int64(Int32.max)

  package init() {}
}

/// Which lines are meant.
package struct LineFilter: Hashable, Sendable {
  package var product: GatewayName?
  package var run: GatewayName?
  package var isUncertainOnly = false
  /// Behind this line.
  package var after: Int64 = 0
  package var countMax = 100

  package init() {}
}

/// One more connection that asks; never waited for by the writer. Not thread safe.
package final class LedgerReader {
  package let connection: Connection
  private let path: String

  package init(_ connection: Connection, path: String) {
    self.connection = connection
    self.path = path
  }

  /// Asks within the time that a question may take.
  package func ask<R>(_ body: () throws(SQLiteError) -> R) throws(Fault) -> R {
    connection.cut(at: .now + LedgerLimits.questionMax)
    defer { connection.cut(at: nil) }
    do { return try body() } catch { throw error.ledgerFault(path) }
  }

  /// What a call's key was used for, and its answer when it has one.
  package func call(_ name: CallName) throws(Fault) -> (
    requestHash: [UInt8], settled: SettledCall?
  )? {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        "SELECT request_hash, settled_line FROM calls WHERE product = ? AND call_key = ?")
      try row.bind(name.product.text, at: 1)
      try row.bind(name.key.text, at: 2)
      guard try row.step() else { return nil }
      let (hash, number) = (row.bytes(at: 0), row.int64(at: 1))
      row.reset()
      guard number > 0, let line = try line("number = ?", number) else { return (hash, nil) }
      let bytes = try connection.statement("SELECT bytes FROM replies WHERE line = ?")
      try bytes.bind(number, at: 1)
      let reply = try bytes.step() ? bytes.bytes(at: 0) : nil
      bytes.reset()
      return (hash, SettledCall(line: line, reply: reply))
    }
  }

  package func line(of attempt: AttemptID) throws(Fault) -> LedgerLine? {
    try ask { () throws(SQLiteError) in try line("attempt = ? AND kind = 1", attempt.number) }
  }

  func line(_ condition: String, _ value: Int64) throws(SQLiteError) -> LedgerLine? {
    let row = try connection.statement(
      composed: "SELECT \(LedgerLine.columns) FROM lines WHERE \(condition)")
    try row.bind(value, at: 1)
    defer { row.reset() }
    return try row.step() ? LedgerLine(row) : nil
  }

  /// A page of lines in their order.
  package func lines(_ filter: LineFilter) throws(Fault) -> [LedgerLine] {
    try ask { () throws(SQLiteError) in
      var conditions = ["number > ?1"]
      if filter.product != nil { conditions.append("product = ?2") }
      if filter.run != nil { conditions.append("run = ?3") }
      if filter.isUncertainOnly {
        conditions.append(
          """
          state = 5 AND NOT EXISTS (
            SELECT 1 FROM lines c WHERE c.kind = 3 AND c.corrects = lines.number)
          """)
      }
      let row = try connection.statement(
        composed: """
          SELECT \(LedgerLine.columns) FROM lines
          WHERE \(conditions.joined(separator: " AND ")) ORDER BY number LIMIT ?4
          """)
      try row.bind(filter.after, at: 1)
      if let product = filter.product { try row.bind(product.text, at: 2) }
      if let run = filter.run { try row.bind(run.text, at: 3) }
      try row.bind(min(max(1, filter.countMax), LedgerLimits.pageMax), at: 4)
      var found: [LedgerLine] = []
      while try row.step() {
        guard let line = LedgerLine(row) else {
          throw SQLiteError(11, message: "a line is damaged")
        }
        found.append(line)
      }
      return found
    }
  }

  package func spend(by grouping: SpendGrouping, _ filter: SpendFilter) throws(Fault) -> [SpendRow]
  {
    try ask { () throws(SQLiteError) in
      var conditions = ["day BETWEEN ?1 AND ?2"]
      if filter.product != nil { conditions.append("product = ?3") }
      if filter.run != nil { conditions.append("run = ?4") }
      let row = try connection.statement(
        composed: """
          SELECT \(grouping.rawValue), sum(attempts), sum(settled), sum(uncertain),
            sum(input_tokens), sum(output_tokens) FROM spend
          WHERE \(conditions.joined(separator: " AND "))
          GROUP BY 1 ORDER BY sum(settled) DESC, 1 LIMIT \(LedgerLimits.pageMax)
          """)
      try row.bind(filter.days.lowerBound, at: 1)
      try row.bind(filter.days.upperBound, at: 2)
      if let product = filter.product { try row.bind(product.text, at: 3) }
      if let run = filter.run { try row.bind(run.text, at: 4) }
      var found: [SpendRow] = []
      while try row.step() {
        found.append(
          SpendRow(
            group: row.text(at: 0), attempts: row.int64(at: 1),
            settled: NanoDollars(row.int64(at: 2)), uncertain: NanoDollars(row.int64(at: 3)),
            inputTokens: row.int64(at: 4), outputTokens: row.int64(at: 5)))
      }
      return found
    }
  }

  /// An account as the file has it: without what is held in memory.
  package func accounts(
    of budget: Budget, window: BudgetWindow
  ) throws(Fault) -> [BudgetStanding] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        """
        SELECT subject, settled, uncertain FROM accounts
        WHERE budget = ? AND window_start = ? ORDER BY subject LIMIT ?
        """)
      try row.bind(budget.name.text, at: 1)
      try row.bind(window.start, at: 2)
      try row.bind(LedgerLimits.pageMax, at: 3)
      var found: [BudgetStanding] = []
      while try row.step() {
        found.append(
          BudgetStanding(
            budget: budget.name, subject: row.text(at: 0), cap: budget.cap,
            settled: NanoDollars(row.int64(at: 1)), held: .zero,
            uncertain: NanoDollars(row.int64(at: 2)), window: window))
      }
      return found
    }
  }

  package func history(of budget: GatewayName) throws(Fault) -> [BudgetVersion] {
    try ask { () throws(SQLiteError) in
      try StoredBudgets.versions(of: budget.text, on: connection)
    }
  }

  package func budgetVersions() throws(Fault) -> [BudgetVersion] {
    try ask { () throws(SQLiteError) in try StoredBudgets.versions(of: "", on: connection) }
  }

  /// The latest word on each key; its secret cannot be read from it.
  package func keys() throws(Fault) -> [LedgerKey] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        """
        SELECT hash, name, product, role, limits, is_revoked FROM key_versions
        WHERE number IN (SELECT max(number) FROM key_versions GROUP BY hash) ORDER BY number
        """)
      var found: [LedgerKey] = []
      while try row.step() {
        guard let name = GatewayName(row.text(at: 1)), let product = GatewayName(row.text(at: 2)),
          let role = GatewayName(row.text(at: 3))
        else { throw SQLiteError(11, message: "a key cannot be read") }
        var key = LedgerKey(
          hash: row.bytes(at: 0), name: name, product: product, role: role,
          limits: row.bytes(at: 4))
        key.isRevoked = row.int64(at: 5) == 1
        found.append(key)
      }
      return found
    }
  }

  package func products() throws(Fault) -> [LedgerProduct] {
    try ask { () throws(SQLiteError) in
      let row = try connection.statement(
        """
        SELECT name, limits FROM product_versions WHERE is_removed = 0
        AND number IN (SELECT max(number) FROM product_versions GROUP BY name) ORDER BY name
        """)
      var found: [LedgerProduct] = []
      while try row.step() {
        guard let name = GatewayName(row.text(at: 0)) else { continue }
        found.append(LedgerProduct(name: name, limits: row.bytes(at: 1)))
      }
      return found
    }
  }
}
