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
      var run: Int64?
      if !request.runId.isEmpty {
        run = try runKey(request.runId, of: product)?.key
        if run == nil { return QueryVerdictsResponse() }
      }
      let question = VerdictQuestion(productKey, run: run, request, after: after)
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
  /// One run's verdicts are found through its log, in whose order their keys are.
  private let isOfRun: Bool
  private var conditions: [String] = []
  private(set) var values: [Value] = []

  init(_ product: Int64, run: Int64?, _ request: QueryVerdictsRequest, after: PageCursor?) {
    question = request.question
    isOfRun = run != nil
    if let run {
      add("e.run = ?", .integer(run))
      if !request.subjectKind.isEmpty { add("v.subject_kind = ?", .text(request.subjectKind)) }
    } else if request.subjectKind.isEmpty {
      // Without a kind no index of the product's is of use: the rows themselves are in order.
      add("+v.product = ?", .integer(product))
    } else {
      add("v.product = ?", .integer(product))
      add("v.subject_kind = ?", .text(request.subjectKind))
    }
    if !request.rubricHash.isEmpty { add("v.rubric_hash = ?", .text(request.rubricHash)) }
    if !request.model.isEmpty { add("v.model = ?", .text(request.model)) }
    if let least = request.scoreLeast { add("v.score >= ?", .real(least)) }
    if let most = request.scoreMost { add("v.score <= ?", .real(most)) }
    if let after { add(after) }
  }

  private mutating func add(_ condition: String, _ values: Value...) {
    conditions.append(condition)
    self.values += values
  }

  private mutating func add(_ after: PageCursor) {
    let key = Value.integer(after.position)
    switch question {
    case .oldest, .labels: add("\(place) > \(placeOfCursor)", key)
    case .newest, .runs: add("\(place) < \(placeOfCursor)", key)
    case .highest, .lowest:
      guard let score = after.score else { return add("(v.score IS NULL AND v.key < ?)", key) }
      let further = question == .highest ? "v.score < ?" : "v.score > ?"
      add(
        "(\(further) OR (v.score = ? AND v.key < ?) OR v.score IS NULL)", .real(score),
        .real(score), key)
    }
  }

  var sortsByScore: Bool { question == .highest || question == .lowest }

  /// What goes up with a verdict's age, in the order in which rows are found.
  private var place: String { isOfRun ? "e.seq" : "v.key" }
  private var placeOfCursor: String {
    isOfRun ? "(SELECT seq FROM verdicts WHERE key = ?)" : "?"
  }

  var sql: String {
    let order =
      switch question {
      case .oldest, .labels: place
      case .newest, .runs: "\(place) DESC"
      case .highest: "v.score IS NULL, v.score DESC, v.key DESC"
      case .lowest: "v.score IS NULL, v.score, v.key DESC"
      }
    let source = isOfRun ? "events e JOIN verdicts v ON v.key = e.verdict" : "verdicts v"
    return """
      SELECT v.key, v.score FROM \(source) WHERE \(conditions.joined(separator: " AND "))
      ORDER BY \(order) LIMIT ?
      """
  }
}
