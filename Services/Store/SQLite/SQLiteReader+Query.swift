package import Faults
import SQLite
import ScoreContract
package import StoreBackend
package import StoreContract

extension SQLiteReader {
  package func query(
    _ request: QueryVerdictsRequest, of product: ProductScope
  ) throws(Fault) -> QueryVerdictsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: request.question)
    return try ask { () throws(SQLiteError) in
      guard let productKey = try key(of: product) else { return QueryVerdictsResponse() }
      var question = VerdictQuestion(productKey, request, after: after)
      if !request.runId.isEmpty {
        guard let run = try runKey(request.runId, of: product) else {
          return QueryVerdictsResponse()
        }
        question.add("run = ?", .integer(run.key))
      }
      let limit = request.limit == 0 ? StoreLimits.pageDefault : Int(request.limit)
      // One more than the page has says whether there is another.
      let found = try keys(question, countMax: min(limit, StoreLimits.pageMax) + 1)
      let page = try page(found.map(\.position), PageBudget(limit: request.limit))
      var response = QueryVerdictsResponse(verdicts: page.verdicts)
      if page.verdicts.count < found.count, let last = found.prefix(page.verdicts.count).last {
        response.next = last.token
      }
      return response
    }
  }

  private func keys(
    _ question: VerdictQuestion, countMax: Int
  ) throws(SQLiteError) -> [PageCursor] {
    let row = try connection.statement(composed: question.sql)
    var index: Int32 = 0
    for value in question.values {
      index += 1
      switch value {
      case .integer(let number): try row.bind(number, at: index)
      case .real(let number): try row.bind(number, at: index)
      case .text(let text): try row.bind(text, at: index)
      }
    }
    try row.bind(countMax, at: index + 1)
    var found: [PageCursor] = []
    while try row.step() {
      let score = question.sortsByScore && !row.isNull(at: 1) ? row.double(at: 1) : nil
      found.append(PageCursor(question.question, position: row.int64(at: 0), score: score))
    }
    return found
  }

  // MARK: - Units

  package func units(
    _ request: ReadUnitsRequest, of product: ProductScope
  ) throws(Fault) -> ReadUnitsResponse {
    try request.check()
    let states = request.states.map { String($0.rawValue) }.joined(separator: ", ")
    let sql = """
      SELECT u.id, u.ordinal, u.stage, u.unit_key, u.subject_kind, u.subject_id, u.subject_hash,
        u.rubric_hash, u.batch_group, u.payload, s.state, s.skip_reason, s.failure, s.tries,
        s.batch, v.id
      FROM units u JOIN unit_states s ON s.unit = u.key LEFT JOIN verdicts v ON v.key = s.verdict
      WHERE u.run = ? AND u.ordinal > ? AND (?3 < 0 OR u.stage = ?3)
        \(states.isEmpty ? "" : "AND s.state IN (\(states))") ORDER BY u.ordinal
      """
    let found = try ask { () throws(SQLiteError) -> ReadUnitsResponse? in
      guard let run = try runKey(request.runId, of: product) else { return nil }
      let row = try connection.statement(composed: sql)
      try row.bind(run.key, at: 1)
      try row.bind(request.afterOrdinal, at: 2)
      try row.bind(request.hasStage ? Int64(request.stage) : -1, at: 3)
      defer { row.reset() }
      var budget = PageBudget(limit: request.limit)
      var response = ReadUnitsResponse(isLast: true)
      while try row.step() {
        let unit = try unit(row)
        guard budget.take(unit.pageBytes) else {
          response.isLast = false
          break
        }
        response.units.append(unit)
      }
      return response
    }
    guard let found else { throw .unknownRun(request.runId) }
    return found
  }

  private func unit(_ row: Statement) throws(SQLiteError) -> Unit {
    var unit = Unit(
      id: row.text(at: 0), ordinal: row.int64(at: 1),
      stage: UInt32(truncatingIfNeeded: row.int64(at: 2)), unitKey: row.text(at: 3),
      subject: VerdictColumns.subject(row, from: 4), rubricHash: row.text(at: 7),
      group: row.text(at: 8), payload: row.bytes(at: 9),
      state: UnitState(rawValue: Int32(truncatingIfNeeded: row.int64(at: 10))),
      skipReason: SkipReason(rawValue: Int32(truncatingIfNeeded: row.int64(at: 11))),
      verdictId: row.text(at: 15), tries: UInt32(truncatingIfNeeded: row.int64(at: 13)),
      batch: row.text(at: 14))
    if !row.isNull(at: 12) {
      unit.failure = try connection.unpacked(Failure.self, row, at: 12)
    }
    return unit
  }
}

/// A search for verdicts as a statement and its values; every piece of text is a literal.
struct VerdictQuestion {
  enum Value {
    case integer(Int64)
    case real(Double)
    case text(String)
  }

  let question: PageCursor.Question
  private var conditions: [String] = []
  private(set) var values: [Value] = []

  init(_ product: Int64, _ request: QueryVerdictsRequest, after: PageCursor?) {
    question = request.question
    // Without a kind no index of the product's is of use: the rows themselves are in order.
    add(request.subjectKind.isEmpty ? "+product = ?" : "product = ?", .integer(product))
    if !request.subjectKind.isEmpty { add("subject_kind = ?", .text(request.subjectKind)) }
    if !request.rubricHash.isEmpty { add("rubric_hash = ?", .text(request.rubricHash)) }
    if !request.model.isEmpty { add("model = ?", .text(request.model)) }
    if let least = request.scoreLeast { add("score >= ?", .real(least)) }
    if let most = request.scoreMost { add("score <= ?", .real(most)) }
    if let after { add(after) }
  }

  mutating func add(_ condition: String, _ values: Value...) {
    conditions.append(condition)
    self.values += values
  }

  private mutating func add(_ after: PageCursor) {
    let key = Value.integer(after.position)
    switch question {
    case .oldest, .labels: add("key > ?", key)
    case .newest, .runs: add("key < ?", key)
    case .highest, .lowest:
      guard let score = after.score else { return add("(score IS NULL AND key < ?)", key) }
      let further = question == .highest ? "score < ?" : "score > ?"
      add(
        "(\(further) OR (score = ? AND key < ?) OR score IS NULL)", .real(score), .real(score),
        key)
    }
  }

  var sortsByScore: Bool { question == .highest || question == .lowest }

  var sql: String {
    let order =
      switch question {
      case .oldest, .labels: "key"
      case .newest, .runs: "key DESC"
      case .highest: "score IS NULL, score DESC, key DESC"
      case .lowest: "score IS NULL, score, key DESC"
      }
    return """
      SELECT key, score FROM verdicts WHERE \(conditions.joined(separator: " AND "))
      ORDER BY \(order) LIMIT ?
      """
  }
}
