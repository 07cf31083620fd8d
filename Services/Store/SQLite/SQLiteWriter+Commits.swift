import Faults
import Protobuf
import SQLite
import ScoreContract
import StoreBackend
import StoreContract

extension SQLiteWriter {
  func commit(
    _ order: CommitOrder, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    let run = try run(order.runID, of: product)
    // Each fact has one event, so the answer is known before the facts are looked at; and its row
    // finds out by itself whether the commit is new.
    let response = CommitResponse(
      firstSeq: run.head.lastSeq + 1, lastSeq: run.head.lastSeq + Int64(order.facts.count),
      isReplay: false, committedAtUs: now)
    let isNew = try sql { () throws(SQLiteError) in
      try insert(response, to: order, run.product)
    }
    guard isNew else {
      let known = try firstResponse(to: order, run.product)
      return receipt(known, of: run.head, events: [])
    }
    let review: CommitReview
    do {
      review = try self.review(order, of: run, in: product, at: now)
    } catch {
      if failure != nil { throw error }
      try sql { () throws(SQLiteError) in try remove(order, run.product) }
      throw error
    }
    try sql { () throws(SQLiteError) in try write(review, order.packed, of: run) }
    run.hasNewOutcome = run.hasNewOutcome || run.head.outcome != review.head.outcome
    run.head = review.head
    run.updatedAt = now
    touch(run)
    return receipt(response, of: review.head, events: review.events)
  }

  private func receipt(
    _ response: CommitResponse, of head: RunHead, events: [Event]
  ) -> WriteReceipt {
    .committed(
      response, events: events, state: head.state,
      wantsOwner: RunRules.wantsOwner(head.state, requested: head.requested))
  }

  private func review(
    _ order: CommitOrder, of run: WrittenRun, in product: ProductScope, at now: Int64
  ) throws(Fault) -> CommitReview {
    let lease = try lease(order.leaseName, of: product)
    guard let lease, lease.token == order.leaseToken, !lease.session.isEmpty else {
      throw .leaseLost(order.leaseName)
    }
    do {
      return try review(order.facts, of: run, at: now, looksFirst: looksFirst)
    } catch {
      // What was not looked at may have been wrong before what is refused now.
      if looksFirst || failure != nil { throw error }
      return try review(order.facts, of: run, at: now, looksFirst: true)
    }
  }

  private func review(
    _ facts: [Fact], of run: WrittenRun, at now: Int64, looksFirst: Bool
  ) throws(Fault) -> CommitReview {
    var review = CommitReview(run.head, runID: run.id, atMicroseconds: now)
    var ground = CommittedGround(writer: self, run: run, looksFirst: looksFirst)
    try review.take(facts, on: &ground)
    return review
  }

  // MARK: - Commit ids

  /// What the same commit was answered the first time; a fault when it is not the same.
  private func firstResponse(
    to order: CommitOrder, _ productKey: Int64
  ) throws(Fault) -> CommitResponse {
    let known = try sql { () throws(SQLiteError) -> (digest: [UInt8], CommitResponse)? in
      let row = try connection.statement(
        "SELECT digest, first_seq, last_seq, at FROM commits WHERE product = ? AND id = ?")
      try row.bind(productKey, at: 1)
      try row.bind(order.id, at: 2)
      guard try row.step() else { return nil }
      defer { row.reset() }
      let response = CommitResponse(
        firstSeq: row.int64(at: 1), lastSeq: row.int64(at: 2), isReplay: true,
        committedAtUs: row.int64(at: 3))
      return (row.bytes(at: 0), response)
    }
    guard let known, known.digest == order.digest else { throw .commitIDReused(order.id) }
    return known.1
  }

  /// Whether the commit's id is new; then it has a row.
  private func insert(
    _ response: CommitResponse, to order: CommitOrder, _ productKey: Int64
  ) throws(SQLiteError) -> Bool {
    let insert = try connection.statement(
      """
      INSERT INTO commits (product, id, digest, first_seq, last_seq, at)
      VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    try insert.bind(productKey, at: 1)
    try insert.bind(order.id, at: 2)
    try insert.bind(order.digest, at: 3)
    try insert.bind(response.firstSeq, at: 4)
    try insert.bind(response.lastSeq, at: 5)
    try insert.bind(response.committedAtUs, at: 6)
    try insert.run()
    return connection.changes == 1
  }

  private func remove(_ order: CommitOrder, _ productKey: Int64) throws(SQLiteError) {
    let remove = try connection.statement("DELETE FROM commits WHERE product = ? AND id = ?")
    try remove.bind(productKey, at: 1)
    try remove.bind(order.id, at: 2)
    try remove.run()
  }

  // MARK: - Facts

  private func write(
    _ review: CommitReview, _ packed: [PackedFact], of run: WrittenRun
  ) throws(SQLiteError) {
    // Keys of units that this commit plans, by the places that the review knows them by.
    var fresh: [Int64: Int64] = [:]
    for index in review.effects.indices {
      let event = review.events[index]
      var verdictKey: Int64?
      switch review.effects[index] {
      case .none: break
      case .stage(let stage): try put(stage, of: run)
      case .planned(let units):
        for unit in units {
          fresh[-1 - unit.ordinal] = try insert(unit, of: run, at: event.atUs)
        }
      case .unit(let unit):
        let verdict = event.verdict
        let key = fresh[unit.key] ?? unit.key
        if let verdict {
          let body = packed[index].verdict ?? []
          verdictKey = try insert(verdict, body: body, seq: event.seq, unit: key, of: run)
        } else if !unit.verdictID.isEmpty {
          verdictKey = try self.verdictKey(unit.verdictID, run.product)
        }
        try update(unit, key: key, verdict: verdictKey)
        // The log repeats what it was told, and shows only a verdict of its own.
        if verdict == nil { verdictKey = nil }
      case .attempt(let attempt): try insert(attempt, seq: event.seq, of: run)
      }
      let line = packed[index].line ?? event.fact?.packed() ?? []
      try insert(event, body: line, verdict: verdictKey, of: run)
    }
  }

  func insert(
    _ event: Event, body: [UInt8], verdict: Int64?, of run: WrittenRun
  ) throws(SQLiteError) {
    let insert = try connection.statement(
      "INSERT INTO events (run, seq, at, body, verdict) VALUES (?, ?, ?, ?, ?)")
    try insert.bind(run.key, at: 1)
    try insert.bind(event.seq, at: 2)
    try insert.bind(event.atUs, at: 3)
    try insert.bind(body, at: 4)
    try insert.bind(verdict, at: 5)
    try insert.run()
  }

  private func put(_ stage: Stage, of run: WrittenRun) throws(SQLiteError) {
    let put = try connection.statement(
      """
      INSERT INTO stages (run, position, name, state, is_fail_fast, reason)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (run, position) DO UPDATE SET state = excluded.state,
        is_fail_fast = excluded.is_fail_fast, reason = excluded.reason
      """)
    try put.bind(run.key, at: 1)
    try put.bind(Int64(stage.index), at: 2)
    try put.bind(stage.name, at: 3)
    try put.bind(Int64(stage.state.rawValue), at: 4)
    try put.bind(stage.isFailFast ? 1 : 0, at: 5)
    try put.bind(stage.reason, at: 6)
    try put.run()
  }

  private func insert(
    _ attempt: AttemptChange, seq: Int64, of run: WrittenRun
  ) throws(SQLiteError) {
    let insert = try connection.statement(
      """
      INSERT INTO attempts (run, call_key, seq, state, model, cost_nanos)
      VALUES (?, ?, ?, ?, ?, ?)
      """)
    try insert.bind(run.key, at: 1)
    try insert.bind(attempt.callKey, at: 2)
    try insert.bind(seq, at: 3)
    try insert.bind(Int64(attempt.state.rawValue), at: 4)
    try insert.bind(attempt.model, at: 5)
    try insert.bind(attempt.usage?.costNanos ?? 0, at: 6)
    try insert.run()
  }

  private func update(
    _ unit: UnitHead, key: Int64, verdict: Int64?
  ) throws(SQLiteError) {
    let update = try connection.statement(
      """
      UPDATE unit_states SET state = ?, skip_reason = ?, failure = ?, verdict = ?, tries = ?,
        batch = ? WHERE unit = ?
      """)
    try update.bind(Int64(unit.state.rawValue), at: 1)
    try update.bind(Int64(unit.skipReason.rawValue), at: 2)
    if let failure = unit.failure {
      try update.bind(failure.packed(), at: 3)
    } else {
      try update.bindNull(at: 3)
    }
    try update.bind(verdict, at: 4)
    try update.bind(Int64(unit.tries), at: 5)
    try update.bind(unit.batch, at: 6)
    try update.bind(key, at: 7)
    try update.run()
  }

  // MARK: - Verdicts

  private func insert(
    _ verdict: Verdict, body: [UInt8], seq: Int64, unit: Int64, of run: WrittenRun
  ) throws(SQLiteError) -> Int64 {
    let score = verdict.value?.score
    run.chain = VerdictRow.chain(after: run.chain, verdict, score: score, body: body)
    let insert = try connection.statement(
      """
      INSERT INTO verdicts (product, id, run, seq, unit, unit_key, subject_kind, subject_id,
        subject_hash, rubric_hash, model, score, at, body, chain)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    try insert.bind(run.product, at: 1)
    try insert.bind(verdict.id, at: 2)
    try insert.bind(run.key, at: 3)
    try insert.bind(seq, at: 4)
    try insert.bind(unit, at: 5)
    try insert.bind(orNull: verdict.unitKey, at: 6)
    try bind(verdict.subject, on: insert, from: 7)
    try insert.bind(verdict.rubricHash, at: 10)
    try insert.bind(verdict.model, at: 11)
    try insert.bind(score, at: 12)
    try insert.bind(verdict.committedAtUs, at: 13)
    try insert.bind(body, at: 14)
    try insert.bind(run.chain, at: 15)
    try insert.run()
    return connection.lastKey
  }

  func bind(
    _ subject: SubjectRef?, on statement: Statement, from index: Int32
  ) throws(SQLiteError) {
    guard let subject else {
      for offset in 0..<3 as Range<Int32> { try statement.bindNull(at: index + offset) }
      return
    }
    try statement.bind(subject.kind, at: index)
    try statement.bind(subject.id, at: index + 1)
    try statement.bind(subject.contentHash, at: index + 2)
  }

  func verdictKey(_ id: String, _ productKey: Int64) throws(SQLiteError) -> Int64? {
    let row = try connection.statement("SELECT key FROM verdicts WHERE product = ? AND id = ?")
    try row.bind(productKey, at: 1)
    try row.bind(id, at: 2)
    defer { row.reset() }
    return try row.step() ? row.int64(at: 0) : nil
  }
}
