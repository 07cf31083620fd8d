import Digest
import Faults
package import GatewayBudgets
package import GatewayValues
package import SQLite

/// What a row of `spend` is about.
package struct SpendKey: Hashable {
  package let day: Int64
  package let party: CallParty
  package let provider: GatewayName
}

/// What lines of one group add to it.
package struct SpendSum {
  package var attempts: Int64 = 0
  package var settled: Int64 = 0
  package var uncertain: Int64 = 0
  package var input: Int64 = 0
  package var output: Int64 = 0
}

/// What lines of one group add to an account.
package struct AccountSum {
  package var settled: Int64 = 0
  package var uncertain: Int64 = 0
  package var ceiling: Int64 = 0
}

extension LedgerWriter {
  /// Adds the line of an attempt that has ended, and what follows from it.
  package func add(_ attempt: LiveAttempt) throws(SQLiteError) -> LedgerLine {
    var line = attempt.line
    line.number = try lines.add(to: connection) { row throws(SQLiteError) in
      try line.fill(&row)
    }
    if line.cost.count > 0 || line.excess > 0 {
      let isUncertain = line.state == .uncertain
      addToAccounts(
        line.accounts, settled: isUncertain ? 0 : line.cost.count,
        uncertain: isUncertain ? line.cost.count : 0, ceiling: line.excess)
    }
    if line.kind == .attempt { try noteCall(attempt, line) }
    if line.order.cacheReadPredicted > 0 { try predict(line) }
    if line.kind != .gap { note(line) }
    return line
  }

  private func predict(_ line: LedgerLine) throws(SQLiteError) {
    let values: [LedgerValue] = [
      .number(line.number), .number(line.order.cacheReadPredicted),
    ]
    _ = try changes["predictions"]?.add(values, to: connection)
  }

  private func addToAccounts(
    _ accounts: [Int64], settled: Int64, uncertain: Int64, ceiling: Int64
  ) {
    for account in accounts {
      var sum = drawn[account] ?? AccountSum()
      sum.settled = sum.settled.adding(settled)
      sum.uncertain = sum.uncertain.adding(uncertain)
      sum.ceiling = sum.ceiling.adding(ceiling)
      drawn[account] = sum
    }
  }

  /// Writes what the lines since the last time add to their accounts: one row each. The sums only
  /// grow between two times, so that the ceiling comes out as if it had followed each line.
  package func writeAccounts() throws(SQLiteError) {
    for (account, sum) in drawn {
      // The ceiling first follows what was spent beyond a hold, then covers the sums.
      let row = try connection.statement(
        """
        UPDATE accounts SET settled = settled + ?, uncertain = uncertain + ?,
          ceiling = max(ceiling + ?, settled + uncertain + ?) WHERE id = ?
        """)
      try row.bind(sum.settled, at: 1)
      try row.bind(sum.uncertain, at: 2)
      try row.bind(sum.ceiling, at: 3)
      try row.bind(sum.settled.adding(sum.uncertain), at: 4)
      try row.bind(account, at: 5)
      try row.run()
    }
    drawn.removeAll(keepingCapacity: true)
  }

  /// The call is known by its key from now on; with its answer it is settled for ever.
  private func noteCall(_ attempt: LiveAttempt, _ line: LedgerLine) throws(SQLiteError) {
    let isAnswer = attempt.endsCall && line.state != .void
    let row = try connection.statement(
      """
      INSERT INTO calls VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET settled_line = coalesce(settled_line, excluded.settled_line)
      WHERE excluded.settled_line IS NOT NULL
      """)
    try row.bind(line.order.party.product.text, at: 1)
    try row.bind(line.callKey, at: 2)
    try row.bind(attempt.requestHash, at: 3)
    try row.bind(isAnswer ? line.number : nil, at: 4)
    try row.run()
    guard isAnswer, !attempt.reply.isEmpty else { return }
    var digest = SHA256()
    digest.update(attempt.reply)
    let reply = try connection.statement("INSERT INTO replies VALUES (?, ?, ?, ?)")
    try reply.bind(line.number, at: 1)
    try reply.bind(line.ended.milliseconds, at: 2)
    try reply.bind(digest.finish(), at: 3)
    try reply.bind(attempt.reply, at: 4)
    try reply.run()
  }

  private func note(_ line: LedgerLine) {
    let day = CivilDate.floor(line.ended.milliseconds, by: 1_000 * CivilDate.daySeconds)
    let key = SpendKey(day: day, party: line.order.party, provider: line.order.provider)
    var sum = spend[key] ?? SpendSum()
    if line.kind == .attempt { sum.attempts += 1 }
    if line.state == .uncertain {
      sum.uncertain = sum.uncertain.adding(line.cost.count)
    } else {
      sum.settled = sum.settled.adding(line.cost.count)
    }
    if line.kind == .correction { sum.uncertain = sum.uncertain.subtracting(line.bound.count) }
    sum.input = sum.input.adding(line.usage.inputTotal)
    sum.output = sum.output.adding(line.usage.outputTotal)
    spend[key] = sum
  }

  package func writeSpend() throws(SQLiteError) {
    for (key, sum) in spend {
      let row = try connection.statement(
        """
        INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        attempts = attempts + excluded.attempts, settled = settled + excluded.settled,
        uncertain = uncertain + excluded.uncertain,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens
        """)
      try row.bind(key.day, at: 1)
      let texts = [
        key.party.product.text, key.party.key.text, key.party.run?.text ?? "",
        key.party.model.text, key.provider.text,
      ]
      for (index, text) in texts.enumerated() { try row.bind(text, at: Int32(index + 2)) }
      let sums = [sum.attempts, sum.settled, sum.uncertain, sum.input, sum.output]
      for (index, value) in sums.enumerated() { try row.bind(value, at: Int32(index + 7)) }
      try row.run()
    }
    spend.removeAll(keepingCapacity: true)
  }

  /// Every key that a call came with.
  package func usedKeys() throws(SQLiteError) -> CallKeyFilter {
    var filter = CallKeyFilter(keyCount: Int(try connection.number("SELECT count(*) FROM calls")))
    // Keys of our own begin with the last printable character, and are never asked for.
    let row = try connection.statement("SELECT product, call_key FROM calls WHERE call_key < '~'")
    while try row.step() {
      guard let product = GatewayName(row.text(at: 0)), let key = CallKey(row.text(at: 1)) else {
        throw SQLiteError(11, message: "a call cannot be read")
      }
      filter.insert(CallName(product: product, key: key))
    }
    return filter
  }

  /// A new line that says what an uncertain one came to.
  package func correct(_ correction: Correction) throws(SQLiteError) -> LedgerReceipt {
    let find = try connection.statement(
      composed: "SELECT \(LedgerLine.columns) FROM lines WHERE number = ? AND state = 5")
    try find.bind(correction.line, at: 1)
    guard try find.step(), let old = LedgerLine(find) else {
      find.reset()
      return .refused(
        Fault(
          .failedPrecondition, reason: "LINE_NOT_UNCERTAIN",
          "Line \(correction.line) is not uncertain.", facts: ["line": String(correction.line)]))
    }
    find.reset()
    let known = try connection.statement("SELECT 1 FROM lines WHERE corrects = ? AND kind = 3")
    try known.bind(correction.line, at: 1)
    let isCorrected = try known.step()
    known.reset()
    if isCorrected {
      return .refused(
        Fault(
          .alreadyExists, reason: "LINE_CORRECTED", "Line \(correction.line) was corrected before.",
          facts: ["line": String(correction.line)]))
    }
    var line = old
    line.kind = .correction
    line.state = .settled
    line.standing = .exact
    line.usage = TokenUsage()
    if let late = correction.late {
      line.outcome = late.outcome
      line.answeredModel = late.answeredModel
      line.providerRequestID = late.providerRequestID
      if case .used(let usage) = late.amount { line.usage = usage }
    }
    line.bound = old.cost
    line.cost = correction.cost
    line.flags = []
    line.corrects = correction.line
    line.evidence = correction.evidence
    line.reserved = LedgerLine.Moment()
    line.sent = LedgerLine.Moment()
    line.ended = correction.moment
    line.number = try lines.add(to: connection) { row throws(SQLiteError) in
      try line.fill(&row)
    }
    addToAccounts(
      line.accounts, settled: line.cost.count, uncertain: -old.cost.count, ceiling: line.excess)
    // Alone, for it may lower a sum.
    try writeAccounts()
    if let late = correction.late, late.endsCall {
      var attempt = LiveAttempt(line: line, requestHash: [])
      attempt.endsCall = true
      if late.reply.count <= LedgerLimits.replyBytesMax { attempt.reply = late.reply }
      try noteCall(attempt, line)
    }
    // A gap is no spending of anybody's, and so is not in these sums.
    if old.kind == .attempt { note(line) }
    try log(
      correction.note, "resolve line", String(correction.line), "cost \(correction.cost)",
      correction.moment.milliseconds)
    return .line(line)
  }
}
