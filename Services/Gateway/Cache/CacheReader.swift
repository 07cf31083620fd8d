import GatewayValues
import SQLite

/// One connection that looks answers up. Not thread safe.
final class CacheReader {
  private let options: CacheOptions
  private var connection: Connection?
  /// Of the file that the connection has open.
  private var generation = 0

  enum Found: Sendable {
    case answer(CachedAnswer, keptMilliseconds: Int64, tick: Int64)
    case nothing
    /// Something is there, and it is not what was written.
    case damaged
  }

  init(_ options: CacheOptions) { self.options = options }

  /// `generation` counts how often the file was begun anew: another one is another file.
  func answer(
    _ key: CacheKey, at id: Int64, generation: Int
  ) throws(SQLiteError) -> Found {
    if connection == nil || generation != self.generation {
      connection = nil
      connection = try CacheSchema.reading(options)
      self.generation = generation
    }
    guard let connection else { return .nothing }
    let row = try connection.statement(
      """
      SELECT a.kept_ms, a.used, b.facts, b.body, b.digest
      FROM answers a JOIN bodies b ON b.id = a.id
      WHERE a.id = ? AND a.product = ? AND a.hash = ?
      """)
    defer { row.reset() }
    try row.bind(id, at: 1)
    try row.bind(key.product.text, at: 2)
    try row.bind(key.hash, at: 3)
    guard try row.step() else { return .nothing }
    let answer = CachedAnswer(facts: row.bytes(at: 2), body: row.bytes(at: 3))
    guard answer.digest(under: key) == row.bytes(at: 4) else { return .damaged }
    return .answer(answer, keptMilliseconds: row.int64(at: 0), tick: row.int64(at: 1))
  }
}
