import Faults
import GatewayValues
import SQLite

extension BatchSeat {
  /// Keeps a file; which limit it would pass, or nil.
  func keep(
    _ file: StoredFile, of product: GatewayName, _ bytes: [UInt8]
  ) throws(SQLiteError) -> String? {
    let sums = try connection.statement(
      "SELECT count(*), coalesce(sum(byte_count), 0) FROM files WHERE product = ?")
    try sums.bind(product.text, at: 1)
    let isThere = try sums.step()
    let (count, total) = isThere ? (sums.int(at: 0), sums.int64(at: 1)) : (0, 0)
    sums.reset()
    if count >= BatchLimits.filesMax { return "filesMax" }
    if total + file.byteCount > BatchLimits.filesBytesMax { return "filesBytesMax" }
    let row = try connection.statement(
      """
      INSERT INTO files (id, product, name, created, byte_count, bytes) VALUES (?, ?, ?, ?, ?, ?)
      """)
    try row.bind(file.id, at: 1)
    try row.bind(product.text, at: 2)
    try row.bind(file.name, at: 3)
    try row.bind(file.created, at: 4)
    try row.bind(file.byteCount, at: 5)
    try row.bind(bytes, at: 6)
    try row.run()
    return nil
  }

  func file(_ id: String, of product: GatewayName) throws(SQLiteError) -> StoredFile? {
    let row = try connection.statement(
      "SELECT id, name, byte_count, created FROM files WHERE id = ? AND product = ?")
    try row.bind(id, at: 1)
    try row.bind(product.text, at: 2)
    defer { row.reset() }
    return try row.step() ? Self.file(row) : nil
  }

  func bytes(of id: String, of product: GatewayName) throws(SQLiteError) -> [UInt8]? {
    let row = try connection.statement("SELECT bytes FROM files WHERE id = ? AND product = ?")
    try row.bind(id, at: 1)
    try row.bind(product.text, at: 2)
    defer { row.reset() }
    return try row.step() ? row.bytes(at: 0) : nil
  }

  func files(of product: GatewayName) throws(SQLiteError) -> [StoredFile] {
    let row = try connection.statement(
      """
      SELECT id, name, byte_count, created FROM files WHERE product = ? ORDER BY number DESC
      """)
    try row.bind(product.text, at: 1)
    var found: [StoredFile] = []
    while try row.step() { found.append(Self.file(row)) }
    return found
  }

  func removeFile(_ id: String, of product: GatewayName) throws(SQLiteError) -> Bool {
    let row = try connection.statement("DELETE FROM files WHERE id = ? AND product = ?")
    try row.bind(id, at: 1)
    try row.bind(product.text, at: 2)
    try row.run()
    return connection.changes > 0
  }

  private static func file(_ row: Statement) -> StoredFile {
    StoredFile(
      id: row.text(at: 0), name: row.text(at: 1), byteCount: row.int64(at: 2),
      created: row.int64(at: 3))
  }

  /// What nobody is to be told any more.
  func sweep(before moment: Int64) throws(SQLiteError) {
    try connection.transaction(.writing) { () throws(SQLiteError) in
      for sql in [
        """
        DELETE FROM items WHERE batch IN
          (SELECT id FROM batches WHERE stage = 8 AND ended_at < ?)
        """,
        "DELETE FROM batches WHERE stage = 8 AND ended_at < ?",
        "DELETE FROM files WHERE created < ?",
      ] {
        let row = try connection.statement(composed: sql)
        try row.bind(moment, at: 1)
        try row.run()
      }
    }
  }
}
