import Faults
import Protobuf
import SQLite
import ScoreContract
import StoreBackend
import StoreContract

extension SQLiteWriter {
  func create(
    _ request: CreateRunRequest, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try request.check()
    let productKey = try key(of: product)
    if !request.idempotencyKey.isEmpty,
      let id = try runID(ofIdempotencyKey: request.idempotencyKey, productKey)
    {
      let known = try run(id, of: product)
      guard known.specHash == request.specHash else { throw .idempotencyKeyReused(by: id) }
      return .runCreated(CreateRunResponse(run: try told(known), isReplay: true), events: [])
    }
    if let known = try runIfKnown(request.runId, of: product) {
      guard known.specHash == request.specHash else { throw .runExists(request.runId) }
      return .runCreated(CreateRunResponse(run: try told(known), isReplay: true), events: [])
    }
    let run = try sql { () throws(SQLiteError) in
      try insert(request, productKey: productKey, at: now)
    }
    runs[RunName(product: product, runID: run.id)] = run
    let event = try log(RunChange(state: .pending, totals: RunTotals()), of: run, at: now)
    return .runCreated(CreateRunResponse(run: try told(run), isReplay: false), events: [event])
  }

  func ask(
    _ request: RequestOfRunRequest, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try request.check()
    let run = try run(request.runId, of: product)
    guard try RunRules.apply(request, to: &run.head) else {
      return .runRequested(RequestOfRunResponse(run: try told(run)), events: [])
    }
    let event = try log(.requesting(request, of: run.head), of: run, at: now)
    return .runRequested(RequestOfRunResponse(run: try told(run)), events: [event])
  }

  /// The run as an answer has it, with its spec.
  private func told(_ run: WrittenRun) throws(Fault) -> Run {
    var told = run.asRun
    told.spec = try sql { () throws(SQLiteError) in
      let row = try connection.statement("SELECT spec FROM run_bodies WHERE run = ?")
      try row.bind(run.key, at: 1)
      defer { row.reset() }
      return try row.step() ? row.bytes(at: 0) : []
    }
    return told
  }

  private func log(
    _ change: RunChange, of run: WrittenRun, at now: Int64
  ) throws(Fault) -> Event {
    run.head.lastSeq += 1
    run.updatedAt = now
    touch(run)
    let event = Event(seq: run.head.lastSeq, atUs: now, fact: Fact(kind: .run(change)))
    try sql { () throws(SQLiteError) in
      try insert(event, body: Fact(kind: .run(change)).packed(), verdict: nil, of: run)
    }
    return event
  }

  // MARK: - Finding

  /// The product's key; it gets one with its first row.
  func key(of product: ProductScope) throws(Fault) -> Int64 {
    if let known = try keyIfKnown(of: product) { return known }
    let key = try sql { () throws(SQLiteError) in
      let insert = try connection.statement("INSERT INTO products (name) VALUES (?)")
      try insert.bind(product.name, at: 1)
      try insert.run()
      return connection.lastKey
    }
    products[product] = key
    return key
  }

  func keyIfKnown(of product: ProductScope) throws(Fault) -> Int64? {
    if let known = products[product] { return known }
    let key = try sql { () throws(SQLiteError) -> Int64? in
      let row = try connection.statement("SELECT key FROM products WHERE name = ?")
      try row.bind(product.name, at: 1)
      defer { row.reset() }
      return try row.step() ? row.int64(at: 0) : nil
    }
    products[product] = key
    return key
  }

  func run(_ id: String, of product: ProductScope) throws(Fault) -> WrittenRun {
    guard let run = try runIfKnown(id, of: product) else { throw .unknownRun(id) }
    return run
  }

  private func runIfKnown(_ id: String, of product: ProductScope) throws(Fault) -> WrittenRun? {
    let name = RunName(product: product, runID: id)
    if let known = runs[name] { return known }
    guard let productKey = try keyIfKnown(of: product) else { return nil }
    let run = try sql { () throws(SQLiteError) -> WrittenRun? in
      let row = try connection.statement(composed: Self.runQuestion)
      try row.bind(productKey, at: 1)
      try row.bind(id, at: 2)
      defer { row.reset() }
      return try row.step() ? WrittenRun(row, product: productKey) : nil
    }
    runs[name] = run
    return run
  }

  private static let runQuestion = """
    SELECT \(RunColumns.names) FROM runs r JOIN run_bodies b ON b.run = r.key
    WHERE r.product = ? AND r.id = ?
    """

  private func runID(
    ofIdempotencyKey key: String, _ productKey: Int64
  ) throws(Fault) -> String? {
    try sql { () throws(SQLiteError) -> String? in
      let row = try connection.statement(
        "SELECT id FROM runs WHERE product = ? AND idempotency_key = ?")
      try row.bind(productKey, at: 1)
      try row.bind(key, at: 2)
      defer { row.reset() }
      return try row.step() ? row.text(at: 0) : nil
    }
  }

  // MARK: - Writing

  private func insert(
    _ request: CreateRunRequest, productKey: Int64, at now: Int64
  ) throws(SQLiteError) -> WrittenRun {
    let insert = try connection.statement(
      """
      INSERT INTO runs (product, id, workload, spec_hash, idempotency_key, options, created_at,
        updated_at, state, reason, requested, generation, last_seq, planned, succeeded, failed,
        undetermined, skipped, attempts, lost_attempts, cost_nanos, input_tokens, output_tokens,
        chain)
      VALUES (?, ?, ?, ?, ?, ?, ?7, ?7, 1, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?8)
      """)
    try insert.bind(productKey, at: 1)
    try insert.bind(request.runId, at: 2)
    try insert.bind(request.workload, at: 3)
    try insert.bind(request.specHash, at: 4)
    try insert.bind(orNull: request.idempotencyKey, at: 5)
    try insert.bind((request.options ?? RunOptions()).packed(), at: 6)
    try insert.bind(now, at: 7)
    try insert.bind(VerdictRow.chainStart, at: 8)
    try insert.run()
    let run = WrittenRun(request, key: connection.lastKey, product: productKey, at: now)
    let body = try connection.statement(
      "INSERT INTO run_bodies (run, spec, outcome) VALUES (?, ?, x'')")
    try body.bind(run.key, at: 1)
    try body.bind(request.spec, at: 2)
    try body.run()
    return run
  }

  /// The run is written with the others of its group, once.
  func touch(_ run: WrittenRun) {
    if run.isChanged { return }
    run.isChanged = true
    changedRuns.append(run)
  }

  func writeChangedRuns() throws(SQLiteError) {
    for run in changedRuns {
      try write(run)
      run.isChanged = false
      // What ended is rarely asked for again, and its outcome may be long.
      if run.head.state.isEnded { runs = runs.filter { $0.value !== run } }
    }
    changedRuns.removeAll(keepingCapacity: true)
  }

  private func write(_ run: WrittenRun) throws(SQLiteError) {
    let head = run.head
    try writeNumbers(of: run)
    // An index stands on some of these: to name them rewrites its page, even when they stay.
    let traits = RunTraits(head)
    if run.writtenTraits != traits {
      try write(traits, of: run)
      run.writtenTraits = traits
    }
    guard run.hasNewOutcome else { return }
    run.hasNewOutcome = false
    let body = try connection.statement("UPDATE run_bodies SET outcome = ? WHERE run = ?")
    try body.bind(head.outcome, at: 1)
    try body.bind(run.key, at: 2)
    try body.run()
  }

  private func writeNumbers(of run: WrittenRun) throws(SQLiteError) {
    let update = try connection.statement(
      """
      UPDATE runs SET updated_at = ?, last_seq = ?, planned = ?, succeeded = ?, failed = ?,
        undetermined = ?, skipped = ?, attempts = ?, lost_attempts = ?, cost_nanos = ?,
        input_tokens = ?, output_tokens = ?, chain = ?
      WHERE key = ?
      """)
    let totals = run.head.totals
    try update.bind(run.updatedAt, at: 1)
    try update.bind(run.head.lastSeq, at: 2)
    try update.bind(totals.planned, at: 3)
    try update.bind(totals.succeeded, at: 4)
    try update.bind(totals.failed, at: 5)
    try update.bind(totals.undetermined, at: 6)
    try update.bind(totals.skipped, at: 7)
    try update.bind(totals.attempts, at: 8)
    try update.bind(totals.lostAttempts, at: 9)
    try update.bind(totals.costNanos, at: 10)
    try update.bind(totals.inputTokens, at: 11)
    try update.bind(totals.outputTokens, at: 12)
    try update.bind(run.chain, at: 13)
    try update.bind(run.key, at: 14)
    try update.run()
  }

  private func write(_ traits: RunTraits, of run: WrittenRun) throws(SQLiteError) {
    let update = try connection.statement(
      """
      UPDATE runs SET state = ?, reason = ?, requested = ?, generation = ?, options = ?
      WHERE key = ?
      """)
    try update.bind(Int64(traits.state.rawValue), at: 1)
    try update.bind(traits.reason, at: 2)
    try update.bind(Int64(traits.requested.rawValue), at: 3)
    try update.bind(Int64(traits.generation), at: 4)
    try update.bind(traits.options.packed(), at: 5)
    try update.bind(run.key, at: 6)
    try update.run()
  }
}
