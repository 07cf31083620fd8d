package import Faults
package import GatewayValues
package import SQLite

/// An attempt as it is known now: its line, and what an uncertain one was found to have cost.
package struct KnownAttempt: Hashable, Sendable {
  package let line: LedgerLine
  package let correction: LedgerLine?
}

/// Which attempts are meant; what is nil is not asked.
package struct AttemptFilter: Hashable, Sendable {
  package var product: GatewayName?
  package var key: GatewayName?
  package var run: GatewayName?
  package var model: GatewayName?
  package var callKey: String?
  /// When they ended, in milliseconds since 1970; the end is not included.
  package var ended: Range<Int64> = Int64.min..<Int64.max
  package var isUncertainOnly = false
  /// Older than this line.
  package var before: Int64 = .max
  package var countMax = 100

  package init() {}

  /// What a statement over `lines` is asked for, with its places from ?1 to ?7.
  package var conditions: [String] {
    var conditions = ["ended_at >= ?1", "ended_at < ?2"]
    if product != nil { conditions.append("product = ?3") }
    if key != nil { conditions.append("api_key = ?4") }
    if run != nil { conditions.append("run = ?5") }
    if model != nil { conditions.append("model = ?6") }
    if callKey != nil { conditions.append("call_key = ?7") }
    return conditions
  }

  /// Fills those places.
  package func bind(_ row: Statement) throws(SQLiteError) {
    try row.bind(ended.lowerBound, at: 1)
    try row.bind(ended.upperBound, at: 2)
    for (place, name) in [(3, product), (4, key), (5, run), (6, model)] {
      if let name { try row.bind(name.text, at: Int32(place)) }
    }
    if let callKey { try row.bind(callKey, at: 7) }
  }
}

/// What the attempts of a filter came to, by one of their names.
package struct SpendSummary: Hashable, Sendable {
  package var group = ""
  package var calls: Int64 = 0
  package var attempts: Int64 = 0
  package var settled = NanoDollars.zero
  package var uncertain = NanoDollars.zero
  package var usage = TokenUsage()

  package init() {}
}

extension LedgerReader {
  /// A page of attempts, the newest first, and the gaps that a power cut left between them.
  package func attempts(_ filter: AttemptFilter) throws(Fault) -> [KnownAttempt] {
    try ask { () throws(SQLiteError) in
      var conditions = ["kind IN (1, 2)", "number < ?8"] + filter.conditions
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
          WHERE \(conditions.joined(separator: " AND ")) ORDER BY number DESC LIMIT ?9
          """)
      try filter.bind(row)
      try row.bind(filter.before, at: 8)
      try row.bind(min(max(1, filter.countMax), LedgerLimits.pageMax), at: 9)
      var lines: [LedgerLine] = []
      while try row.step() { lines.append(try Self.whole(LedgerLine(row))) }
      var found: [KnownAttempt] = []
      for line in lines { found.append(try known(line)) }
      return found
    }
  }

  /// The attempt that a line is about, or the gap; nil when there is no such line.
  package func attempt(ofLine number: Int64) throws(Fault) -> KnownAttempt? {
    try ask { () throws(SQLiteError) in
      guard let line = try line("number = ? AND kind IN (1, 2)", number) else { return nil }
      return try known(line)
    }
  }

  package func attempt(_ id: AttemptID) throws(Fault) -> KnownAttempt? {
    try ask { () throws(SQLiteError) in
      guard let line = try line("attempt = ? AND kind = 1", id.number) else { return nil }
      return try known(line)
    }
  }

  private func known(_ line: LedgerLine) throws(SQLiteError) -> KnownAttempt {
    guard line.state == .uncertain else { return KnownAttempt(line: line, correction: nil) }
    return KnownAttempt(
      line: line, correction: try self.line("kind = 3 AND corrects = ?", line.number))
  }

  private static func whole(_ line: LedgerLine?) throws(SQLiteError) -> LedgerLine {
    guard let line else { throw SQLiteError(11, message: "a line is damaged") }
    return line
  }

  /// What attempts came to, added up from their lines; without a grouping in one row.
  ///
  /// What the power cut between two lines belongs to nobody, and is in no sum of these.
  package func summary(
    by grouping: SpendGrouping?, _ filter: AttemptFilter
  ) throws(Fault) -> [SpendSummary] {
    let group =
      switch grouping {
      case .day: "CAST(ended_at / 86400000 AS TEXT)"
      case let named?: named.rawValue
      case nil: "''"
      }
    return try ask { () throws(SQLiteError) in
      let conditions = ["(kind = 1 OR (kind = 3 AND attempt <> 0))"] + filter.conditions
      let row = try connection.statement(
        composed: """
          SELECT \(group), count(DISTINCT CASE kind WHEN 1 THEN product || ' ' || call_key END),
            sum(kind = 1),
            sum(CASE WHEN kind = 3 THEN cost WHEN state = 5 THEN 0 ELSE cost END) AS settled,
            sum(CASE WHEN kind = 3 THEN -bound WHEN state = 5 THEN cost ELSE 0 END) AS uncertain,
            sum(fresh_input), sum(cache_read), sum(cache_write_short), sum(cache_write_long),
            sum(output), sum(reasoning), sum(web_searches)
          FROM lines WHERE \(conditions.joined(separator: " AND "))
          GROUP BY 1 ORDER BY settled + uncertain DESC, 1 LIMIT \(LedgerLimits.spendRowsMax)
          """)
      try filter.bind(row)
      var found: [SpendSummary] = []
      while try row.step() {
        var sum = SpendSummary()
        sum.group = row.text(at: 0)
        sum.calls = row.int64(at: 1)
        sum.attempts = row.int64(at: 2)
        sum.settled = NanoDollars(row.int64(at: 3))
        sum.uncertain = NanoDollars(row.int64(at: 4))
        sum.usage = TokenUsage(
          freshInput: row.int64(at: 5), cacheRead: row.int64(at: 6),
          cacheWriteShort: row.int64(at: 7), cacheWriteLong: row.int64(at: 8),
          output: row.int64(at: 9), reasoning: row.int64(at: 10), webSearches: row.int64(at: 11))
        found.append(sum)
      }
      return found
    }
  }
}
