package import Faults
import SQLite
package import ScoreContract
package import StoreBackend
package import StoreContract

extension SQLiteReader {
  private static let verdictQuestion = """
    SELECT \(VerdictColumns.names), r.id, u.id FROM verdicts v
    JOIN runs r ON r.key = v.run JOIN units u ON u.key = v.unit WHERE v.key = ?
    """

  private func verdict(key: Int64) throws(SQLiteError) -> Verdict {
    let row = try connection.statement(composed: Self.verdictQuestion)
    try row.bind(key, at: 1)
    guard try row.step() else { throw .damagedRow("verdict \(key)") }
    defer { row.reset() }
    return try VerdictColumns.read(
      row, from: 0, run: row.text(at: 10), unit: row.text(at: 11), connection)
  }

  package func verdict(_ id: String, of product: ProductScope) throws(Fault) -> Verdict {
    try RequestCheck.named(id, "id")
    let found = try ask { () throws(SQLiteError) -> Verdict? in
      guard let productKey = try key(of: product) else { return nil }
      let row = try connection.statement("SELECT key FROM verdicts WHERE product = ? AND id = ?")
      try row.bind(productKey, at: 1)
      try row.bind(id, at: 2)
      defer { row.reset() }
      return try row.step() ? try verdict(key: row.int64(at: 0)) : nil
    }
    guard let found else { throw .unknownVerdict(id) }
    return found
  }

  package func verdicts(
    forKeys keys: [String], of product: ProductScope
  ) throws(Fault) -> [Verdict] {
    try RequestCheck.unitKeys(keys)
    let found = try ask { () throws(SQLiteError) -> [Verdict]? in
      guard let productKey = try key(of: product) else { return [] }
      var seen: Set<String> = []
      var found: [Verdict] = []
      var bytes = 0
      for unitKey in keys where seen.insert(unitKey).inserted {
        let row = try connection.statement(
          "SELECT max(key) FROM verdicts WHERE product = ? AND unit_key = ?")
        try row.bind(productKey, at: 1)
        try row.bind(unitKey, at: 2)
        defer { row.reset() }
        guard try row.step(), !row.isNull(at: 0) else { continue }
        let verdict = try verdict(key: row.int64(at: 0))
        bytes += verdict.pageBytes
        if bytes > StoreLimits.answerBytesMax { return nil }
        found.append(verdict)
      }
      return found
    }
    guard let found else { throw .answerTooLarge("unit keys") }
    return found
  }

  // MARK: - By subject

  package func latest(
    _ request: LatestVerdictsRequest, afterSubject: String, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> [Verdict] {
    try request.check()
    return try ask { () throws(SQLiteError) in
      guard let productKey = try key(of: product) else { return [] }
      let keys =
        request.subjectIds.isEmpty
        ? try newestKeys(request, afterSubject, countMax, productKey)
        : try newestKeys(of: request, afterSubject, countMax, productKey)
      return try page(keys, PageBudget(countMax: countMax)).verdicts
    }
  }

  /// Of every subject of the kind.
  private func newestKeys(
    _ request: LatestVerdictsRequest, _ afterSubject: String, _ countMax: Int,
    _ productKey: Int64
  ) throws(SQLiteError) -> [Int64] {
    let row = try connection.statement(
      """
      SELECT max(key) FROM verdicts
      WHERE product = ? AND subject_kind = ? AND subject_id > ?
        AND (?4 = '' OR rubric_hash = ?4)
      GROUP BY subject_id ORDER BY subject_id LIMIT ?5
      """)
    try row.bind(productKey, at: 1)
    try row.bind(request.subjectKind, at: 2)
    try row.bind(afterSubject, at: 3)
    try row.bind(request.rubricHash, at: 4)
    try row.bind(max(0, countMax), at: 5)
    var keys: [Int64] = []
    while try row.step() { keys.append(row.int64(at: 0)) }
    return keys
  }

  /// Of the subjects that were named.
  private func newestKeys(
    of request: LatestVerdictsRequest, _ afterSubject: String, _ countMax: Int,
    _ productKey: Int64
  ) throws(SQLiteError) -> [Int64] {
    let ids = Set(request.subjectIds)
      .filter { afterSubject.utf8.lexicographicallyPrecedes($0.utf8) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var keys: [Int64] = []
    for id in ids where keys.count < countMax {
      let row = try connection.statement(
        """
        SELECT max(key) FROM verdicts
        WHERE product = ? AND subject_kind = ? AND subject_id = ?
          AND (?4 = '' OR rubric_hash = ?4)
        """)
      try row.bind(productKey, at: 1)
      try row.bind(request.subjectKind, at: 2)
      try row.bind(id, at: 3)
      try row.bind(request.rubricHash, at: 4)
      if try row.step(), !row.isNull(at: 0) { keys.append(row.int64(at: 0)) }
      row.reset()
    }
    return keys
  }

  package func history(
    _ request: VerdictHistoryRequest, behind position: Int64, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> VerdictPage {
    try request.check()
    return try ask { () throws(SQLiteError) in
      guard let productKey = try key(of: product) else { return VerdictPage() }
      let row = try connection.statement(
        """
        SELECT key FROM verdicts
        WHERE product = ? AND subject_kind = ? AND subject_id = ? AND key < ?
          AND (?5 = '' OR rubric_hash = ?5)
        ORDER BY key DESC LIMIT ?6
        """)
      try row.bind(productKey, at: 1)
      try row.bind(request.subjectKind, at: 2)
      try row.bind(request.subjectId, at: 3)
      try row.bind(position == 0 ? .max : position, at: 4)
      try row.bind(request.rubricHash, at: 5)
      try row.bind(max(0, countMax), at: 6)
      var keys: [Int64] = []
      while try row.step() { keys.append(row.int64(at: 0)) }
      return try page(keys, PageBudget(countMax: countMax))
    }
  }

  /// As many of these as fit.
  func page(_ keys: [Int64], _ budget: PageBudget) throws(SQLiteError) -> VerdictPage {
    var budget = budget
    var page = VerdictPage()
    for key in keys {
      let verdict = try verdict(key: key)
      guard budget.take(verdict.pageBytes) else { break }
      page.verdicts.append(verdict)
      page.position = key
    }
    return page
  }
}
