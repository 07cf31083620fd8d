import Faults
import GatewayPipeline
import GatewayProviders
import GatewayValues
import SQLite

/// What the thread of the batches' file owns: its connection, and every statement on it.
final class BatchSeat {
  let connection: Connection

  init(path: String) throws(SQLiteError) {
    var options = ConnectionOptions(.readWrite)
    options.busyTimeoutMilliseconds = 5_000
    connection = try Connection(path, options)
    try BatchTables.bringUpToDate(connection)
  }

  // MARK: - Batches

  func add(_ record: BatchRecord, _ items: [BatchItem], body: [UInt8]) throws(SQLiteError) {
    try connection.transaction(.writing) { () throws(SQLiteError) in
      let row = try connection.statement(
        composed: """
          INSERT INTO batches (\(BatchTables.columns), body)
          VALUES (\(Array(repeating: "?", count: 25).joined(separator: ", ")))
          """)
      let texts = [
        record.id, record.caller.product.text, record.caller.key.text, record.dialect.rawValue,
        record.way.provider.text, record.way.key.text,
      ]
      for (index, text) in texts.enumerated() { try row.bind(text, at: Int32(index + 1)) }
      try row.bind(record.requests, at: 7)
      try row.bind(record.created, at: 8)
      try row.bind(record.metadata, at: 9)
      try row.bind(record.inputFile, at: 10)
      let headers = record.headers.map { "\($0.name):\($0.value)" }
      try row.bind(headers.joined(separator: "\n"), at: 11)
      let next = try BatchTables.bindState(record, to: row, from: 12)
      try row.bind(record.isGathered ? 1 : 0, at: next)
      try row.bind(body, at: next + 1)
      try row.run()
      for item in items { try add(item, to: record.id) }
    }
  }

  private func add(_ item: BatchItem, to id: String) throws(SQLiteError) {
    let row = try connection.statement(
      "INSERT INTO items VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)")
    try row.bind(id, at: 1)
    try row.bind(item.number, at: 2)
    try row.bind(item.customID, at: 3)
    try row.bind(item.attempt, at: 4)
    try row.bind(item.outcome.rawValue, at: 5)
    try row.bind(orNull: item.call?.key.text ?? "", at: 6)
    try row.bind(orNull: item.call?.hash ?? [], at: 7)
    try row.bind(orNull: item.call?.run?.text ?? "", at: 8)
    try row.bind(orNull: item.call?.model ?? "", at: 9)
    try row.bind(item.call?.deadline, at: 10)
    try row.bind(orNull: item.call?.body ?? [], at: 11)
    try row.run()
  }

  /// Writes down how a batch stands; what was sent is not needed once the provider has it.
  func save(_ record: BatchRecord) throws(SQLiteError) {
    let row = try connection.statement(
      """
      UPDATE batches SET stage = ?, provider_id = ?, result_files = ?, is_canceled = ?,
        is_cancel_told = ?, sends = ?, looks = ?, rest = ?, next_at = ?, expires_at = ?,
        ended_at = ?, canceled_at = ?, body = iif(?, NULL, body)
      WHERE id = ?
      """)
    let next = try BatchTables.bindState(record, to: row, from: 1)
    let isAway = record.machine.stage.rawValue >= BatchMachine.Stage.running.rawValue
    try row.bind(isAway ? 1 : 0, at: next)
    try row.bind(record.id, at: next + 1)
    try row.run()
  }

  func drop(_ id: String) throws(SQLiteError) {
    try connection.transaction(.writing) { () throws(SQLiteError) in
      for sql in ["DELETE FROM items WHERE batch = ?", "DELETE FROM batches WHERE id = ?"] {
        let row = try connection.statement(composed: sql)
        try row.bind(id, at: 1)
        try row.run()
      }
    }
  }

  func body(of id: String) throws(SQLiteError) -> [UInt8] {
    let row = try connection.statement("SELECT body FROM batches WHERE id = ?")
    try row.bind(id, at: 1)
    defer { row.reset() }
    return try row.step() ? row.bytes(at: 0) : []
  }

  func record(_ id: String) throws(SQLiteError) -> BatchRecord? {
    let row = try connection.statement(
      composed: "SELECT \(BatchTables.columns) FROM batches WHERE id = ?")
    try row.bind(id, at: 1)
    defer { row.reset() }
    return try row.step() ? BatchTables.record(row) : nil
  }

  func open() throws(SQLiteError) -> [BatchRecord] {
    let row = try connection.statement(
      composed: "SELECT \(BatchTables.columns) FROM batches WHERE stage <> 8 ORDER BY number")
    var found: [BatchRecord] = []
    while try row.step() {
      guard let record = BatchTables.record(row) else {
        throw SQLiteError(11, message: "a batch cannot be read")
      }
      found.append(record)
    }
    return found
  }

  /// Whether one of ours is known to be this one of a provider's.
  func isKnown(providerID: String) throws(SQLiteError) -> Bool {
    let row = try connection.statement("SELECT 1 FROM batches WHERE provider_id = ?")
    try row.bind(providerID, at: 1)
    defer { row.reset() }
    return try row.step()
  }

  /// A product's batches of one family, the newest first; one more than asked for when there are
  /// more.
  func list(_ page: BatchPage) throws(SQLiteError) -> [BatchRecord] {
    let isBackward = !page.before.isEmpty
    let row = try connection.statement(
      composed: """
        SELECT \(BatchTables.columns) FROM batches
        WHERE product = ?1 AND stage <> 1 AND is_gathered = 0 AND (dialect = 'anthropic') = ?2
        AND (?3 = '' OR number < (SELECT number FROM batches WHERE id = ?3))
        AND (?4 = '' OR number > (SELECT number FROM batches WHERE id = ?4))
        ORDER BY number \(isBackward ? "ASC" : "DESC") LIMIT ?5
        """)
    try row.bind(page.product.text, at: 1)
    try row.bind(page.family == .anthropic ? 1 : 0, at: 2)
    try row.bind(page.after, at: 3)
    try row.bind(page.before, at: 4)
    try row.bind(page.countMax + 1, at: 5)
    defer { row.reset() }
    var found: [BatchRecord] = []
    while try row.step() {
      if let record = BatchTables.record(row) { found.append(record) }
    }
    return found
  }

  func count(of product: GatewayName) throws(SQLiteError) -> Int {
    let row = try connection.statement("SELECT count(*) FROM batches WHERE product = ?")
    try row.bind(product.text, at: 1)
    defer { row.reset() }
    return try row.step() ? row.int(at: 0) : 0
  }

  // MARK: - Requests

  func items(of id: String) throws(SQLiteError) -> [BatchItem] {
    let row = try connection.statement(
      "SELECT number, custom_id, attempt, outcome FROM items WHERE batch = ? ORDER BY number")
    try row.bind(id, at: 1)
    var found: [BatchItem] = []
    while try row.step() {
      var item = BatchItem(
        number: row.int(at: 0), customID: row.text(at: 1), attempt: row.int64(at: 2))
      item.outcome = BatchOutcome(rawValue: row.int64(at: 3)) ?? .waiting
      found.append(item)
    }
    return found
  }

  /// Requests of calls that have not been answered.
  func calls(of id: String) throws(SQLiteError) -> [BatchItem] {
    let row = try connection.statement(
      """
      SELECT number, custom_id, attempt, outcome, call_key, request_hash, run, model, deadline,
        body FROM items WHERE batch = ? AND body IS NOT NULL ORDER BY number
      """)
    try row.bind(id, at: 1)
    var found: [BatchItem] = []
    while try row.step() {
      var item = BatchItem(
        number: row.int(at: 0), customID: row.text(at: 1), attempt: row.int64(at: 2))
      item.outcome = BatchOutcome(rawValue: row.int64(at: 3)) ?? .waiting
      item.call = CallKey(row.text(at: 4)).map { key in
        BatchItem.Call(
          key: key, hash: row.bytes(at: 5), run: GatewayName(row.text(at: 6)),
          model: row.text(at: 7), deadline: row.int64(at: 8), body: row.bytes(at: 9))
      }
      found.append(item)
    }
    return found
  }

  /// Batches with calls that have not been answered.
  func withCalls() throws(SQLiteError) -> [BatchRecord] {
    let row = try connection.statement(
      composed: """
        SELECT \(BatchTables.columns) FROM batches WHERE is_gathered = 1 AND id IN
          (SELECT batch FROM items WHERE body IS NOT NULL) ORDER BY number
        """)
    var found: [BatchRecord] = []
    while try row.step() {
      if let record = BatchTables.record(row) { found.append(record) }
    }
    return found
  }

  /// A call has been answered, whatever way.
  func forgetCall(_ id: String, _ number: Int) throws(SQLiteError) {
    let row = try connection.statement(
      "UPDATE items SET body = NULL WHERE batch = ? AND number = ?")
    try row.bind(id, at: 1)
    try row.bind(number, at: 2)
    try row.run()
  }

  func settle(_ id: String, _ settled: [SettledItem]) throws(SQLiteError) {
    try connection.transaction(.writing) { () throws(SQLiteError) in
      for item in settled {
        let row = try connection.statement(
          "UPDATE items SET outcome = ?, result = ? WHERE batch = ? AND number = ?")
        try row.bind(item.outcome.rawValue, at: 1)
        try row.bind(orNull: item.line ?? [], at: 2)
        try row.bind(id, at: 3)
        try row.bind(item.number, at: 4)
        try row.run()
      }
    }
  }

  func counts(of id: String) throws(SQLiteError) -> BatchCounts {
    let row = try connection.statement(
      "SELECT outcome, count(*) FROM items WHERE batch = ? GROUP BY outcome")
    try row.bind(id, at: 1)
    var counts = BatchCounts()
    while try row.step() {
      guard let outcome = BatchOutcome(rawValue: row.int64(at: 0)) else { continue }
      counts[outcome] = row.int(at: 1)
    }
    return counts
  }

  /// A piece of the results: lines behind a request's number, and the number to go on behind; nil
  /// at their end. `succeeded`: whether those that were answered, those that were not, or all.
  func results(
    of id: String, after number: Int, succeeded: Bool?
  ) throws(SQLiteError) -> ResultPiece? {
    let row = try connection.statement(
      """
      SELECT number, result FROM items WHERE batch = ?1 AND number > ?2 AND result IS NOT NULL
      AND (?3 < 0 OR (outcome = 1) = ?3) ORDER BY number LIMIT 256
      """)
    try row.bind(id, at: 1)
    try row.bind(number, at: 2)
    try row.bind(succeeded.map { $0 ? 1 : 0 } ?? -1, at: 3)
    defer { row.reset() }
    var lines: [UInt8] = []
    var last: Int?
    while lines.count < ResultPiece.bytesMax, try row.step() {
      lines += row.bytes(at: 1)
      last = row.int(at: 0)
    }
    return last.map { ResultPiece(lines: lines, last: $0) }
  }

  func resultBytes(of id: String, succeeded: Bool) throws(SQLiteError) -> Int64 {
    let row = try connection.statement(
      """
      SELECT coalesce(sum(length(result)), 0) FROM items
      WHERE batch = ? AND (outcome = 1) = ? AND result IS NOT NULL
      """)
    try row.bind(id, at: 1)
    try row.bind(succeeded ? 1 : 0, at: 2)
    defer { row.reset() }
    return try row.step() ? row.int64(at: 0) : 0
  }
}
