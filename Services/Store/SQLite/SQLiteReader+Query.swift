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
      var search = VerdictSearch(
        connection, searchLimits, request, product: productKey, after: after)
      if !request.runId.isEmpty {
        guard let run = try runKey(request.runId, of: product) else {
          return QueryVerdictsResponse()
        }
        search.run = run
      }
      let found = try search.find()
      let page = try page(found.places.map(\.position), PageBudget(limit: request.limit))
      var response = QueryVerdictsResponse(verdicts: page.verdicts)
      if page.verdicts.count < found.places.count {
        response.next = found.places.prefix(page.verdicts.count).last?.token ?? ""
      } else {
        response.next = found.stop?.token ?? ""
      }
      return response
    }
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
