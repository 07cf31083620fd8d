package import Faults
import Protobuf
import SQLite
package import ScoreContract
package import StoreBackend
package import StoreContract

/// Answers from one connection that cannot write, each answer from one state of the file.
///
/// A question that takes longer than the store allows is cut with QUERY_TOO_SLOW. Not thread safe.
package final class SQLiteReader: StoreReading {
  let connection: Connection
  private let questionMax: Duration
  let searchLimits: SearchLimits
  /// Keys never change once they are given.
  private var products: [ProductScope: Int64] = [:]

  init(_ connection: Connection, questionMax: Duration, searchLimits: SearchLimits) {
    self.connection = connection
    self.questionMax = questionMax
    self.searchLimits = searchLimits
  }

  /// One question: its statements see one state, and end in time.
  func ask<R>(_ body: () throws(SQLiteError) -> R) throws(Fault) -> R {
    connection.cut(at: .now + questionMax)
    do {
      return try connection.transaction(.reading, body)
    } catch {
      throw error.storeFault(connection.path)
    }
  }

  /// nil for a product that has written nothing yet.
  func key(of product: ProductScope) throws(SQLiteError) -> Int64? {
    if let known = products[product] { return known }
    let row = try connection.statement("SELECT key FROM products WHERE name = ?")
    try row.bind(product.name, at: 1)
    defer { row.reset() }
    guard try row.step() else { return nil }
    let key = row.int64(at: 0)
    products[product] = key
    return key
  }

  /// The run's key and the sequence of its latest event.
  func runKey(
    _ id: String, of product: ProductScope
  ) throws(SQLiteError) -> (key: Int64, lastSeq: Int64)? {
    guard let productKey = try key(of: product) else { return nil }
    let row = try connection.statement(
      "SELECT key, last_seq FROM runs WHERE product = ? AND id = ?")
    try row.bind(productKey, at: 1)
    try row.bind(id, at: 2)
    defer { row.reset() }
    return try row.step() ? (row.int64(at: 0), row.int64(at: 1)) : nil
  }

  // MARK: - Runs

  package func run(_ id: String, of product: ProductScope) throws(Fault) -> GetRunResponse {
    try RequestCheck.named(id, "run_id")
    let found = try ask { () throws(SQLiteError) -> GetRunResponse? in
      guard let productKey = try key(of: product) else { return nil }
      let row = try connection.statement(composed: Self.runQuestion)
      try row.bind(productKey, at: 1)
      try row.bind(id, at: 2)
      defer { row.reset() }
      guard try row.step() else { return nil }
      let stored = WrittenRun(row, product: productKey)
      var run = stored.asRun
      run.spec = row.bytes(at: 25)
      return GetRunResponse(
        run: run, stages: try StageColumns.read(connection, run: stored.key))
    }
    guard let found else { throw .unknownRun(id) }
    return found
  }

  private static let runQuestion = """
    SELECT \(RunColumns.names), b.spec FROM runs r JOIN run_bodies b ON b.run = r.key
    WHERE r.product = ? AND r.id = ?
    """

  package func runs(
    _ request: ListRunsRequest, of product: ProductScope
  ) throws(Fault) -> ListRunsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: .runs)?.position ?? .max
    let states = request.states.map { String($0.rawValue) }.joined(separator: ", ")
    let sql = """
      SELECT \(RunColumns.names) FROM runs r JOIN run_bodies b ON b.run = r.key
      WHERE r.product = ? AND r.key < ?\(states.isEmpty ? "" : " AND r.state IN (\(states))")
        AND (?3 = '' OR r.workload = ?3) ORDER BY r.key DESC
      """
    return try ask { () throws(SQLiteError) in
      var response = ListRunsResponse()
      guard let productKey = try key(of: product) else { return response }
      let row = try connection.statement(composed: sql)
      try row.bind(productKey, at: 1)
      try row.bind(after, at: 2)
      try row.bind(request.workload, at: 3)
      defer { row.reset() }
      var budget = PageBudget(limit: request.limit)
      var last: Int64 = 0
      while try row.step() {
        let run = WrittenRun(row, product: productKey)
        guard budget.take(512 + run.head.outcome.count) else {
          response.next = PageCursor(.runs, position: last).token
          break
        }
        response.runs.append(run.asRun)
        last = run.key
      }
      return response
    }
  }

  // MARK: - The log

  package func events(
    of runID: String, after seq: Int64, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Event] {
    try RequestCheck.named(runID, "run_id")
    let found = try ask { () throws(SQLiteError) -> (last: Int64, events: [Event])? in
      guard let run = try runKey(runID, of: product) else { return nil }
      guard (0...run.lastSeq).contains(seq) else { return (run.lastSeq, []) }
      return (run.lastSeq, try events(of: run.key, runID, after: seq, countMax: countMax))
    }
    guard let found else { throw .unknownRun(runID) }
    guard (0...found.last).contains(seq) else { throw .badCursor(seq, last: found.last) }
    return found.events
  }

  private static let eventsQuestion = """
    SELECT e.seq, e.at, e.body, \(VerdictColumns.names)
    FROM events e LEFT JOIN verdicts v ON v.key = e.verdict
    WHERE e.run = ? AND e.seq > ? ORDER BY e.seq LIMIT ?
    """

  private func events(
    of run: Int64, _ runID: String, after seq: Int64, countMax: Int
  ) throws(SQLiteError) -> [Event] {
    let row = try connection.statement(composed: Self.eventsQuestion)
    try row.bind(run, at: 1)
    try row.bind(seq, at: 2)
    try row.bind(max(0, countMax), at: 3)
    defer { row.reset() }
    var budget = PageBudget(
      countMax: max(0, countMax), bytesMax: StoreLimits.eventsPerMessageBytesMax)
    var events: [Event] = []
    while try row.step() {
      var bytes = row.withBytes(at: 2) { $0.byteCount }
      bytes += row.withBytes(at: 3 + VerdictColumns.body) { $0.byteCount }
      guard budget.take(bytes) else { break }
      var fact = try connection.unpacked(Fact.self, row, at: 2)
      if case .unit(var change) = fact.kind, !row.isNull(at: 3) {
        change.verdict = try VerdictColumns.read(
          row, from: 3, run: runID, unit: change.unitId, connection)
        fact.kind = .unit(change)
      }
      events.append(Event(seq: row.int64(at: 0), atUs: row.int64(at: 1), fact: fact))
    }
    return events
  }

  // MARK: - Rubrics and labels

  package func rubric(_ hash: String, of product: ProductScope) throws(Fault) -> Rubric {
    try RequestCheck.named(hash, "hash")
    let found = try ask { () throws(SQLiteError) -> Rubric? in
      guard let productKey = try key(of: product) else { return nil }
      return try RubricColumns.read(connection, hash, productKey)
    }
    guard let found else { throw .unknownRubric(hash) }
    return found
  }

  package func labels(
    _ request: ListLabelsRequest, of product: ProductScope
  ) throws(Fault) -> ListLabelsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: .labels)?.position ?? 0
    return try ask { () throws(SQLiteError) in
      var response = ListLabelsResponse()
      guard let productKey = try key(of: product) else { return response }
      let row = try connection.statement(
        """
        SELECT key, body FROM labels
        WHERE product = ? AND key > ? AND (?3 = '' OR rubric_name = ?3)
          AND (?4 = '' OR subject_kind = ?4) AND (?5 = '' OR subject_id = ?5) ORDER BY key
        """)
      try row.bind(productKey, at: 1)
      try row.bind(after, at: 2)
      try row.bind(request.rubricName, at: 3)
      try row.bind(request.subjectKind, at: 4)
      try row.bind(request.subjectId, at: 5)
      defer { row.reset() }
      var budget = PageBudget(limit: request.limit)
      var last: Int64 = 0
      while try row.step() {
        let label = try connection.unpacked(Label.self, row, at: 1)
        guard budget.take(512 + label.note.utf8.count) else {
          response.next = PageCursor(.labels, position: last).token
          break
        }
        response.labels.append(label)
        last = row.int64(at: 0)
      }
      return response
    }
  }
}

extension Connection {
  /// A message from a column; bytes that are none mean that the file is damaged.
  func unpacked<M: WireMessage>(
    _ type: M.Type, _ row: Statement, at column: Int32
  ) throws(SQLiteError) -> M {
    let message = row.withBytes(at: column) { try? M(unpacking: $0) }
    guard let message else { throw .damagedRow("a \(M.wireName)") }
    return message
  }
}
