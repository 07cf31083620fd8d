import Digest
import GatewayValues
import SQLite

/// An answer on its way to the file.
struct CacheWrite: Sendable {
  let key: CacheKey
  let answer: CachedAnswer
  let keptMilliseconds: Int64
}

/// The one that writes the file. Not thread safe.
final class CacheWriter {
  private let options: CacheOptions
  private let connection: Connection
  /// As they are counted, of all that is kept.
  private(set) var byteCount: Int64 = 0
  private(set) var answerCount = 0

  /// What a group of writes has done.
  struct Outcome: Sendable {
    var stored: [CacheKey] = []
    /// With the reason: room was needed, or they were too old.
    var evicted: [(key: CacheKey, isOld: Bool)] = []
  }

  init(_ connection: Connection, _ options: CacheOptions) {
    self.connection = connection
    self.options = options
  }

  /// The marks of all that is there, and the sums of it.
  func survey() throws(SQLiteError) -> Set<UInt64> {
    var marks: Set<UInt64> = []
    byteCount = 0
    answerCount = 0
    let row = try connection.statement("SELECT product, hash, bytes FROM answers")
    while try row.step() {
      guard let product = GatewayName(row.text(at: 0)) else { continue }
      marks.insert(CacheKey(product: product, hash: row.bytes(at: 1)).mark)
      byteCount += row.int64(at: 2)
      answerCount += 1
    }
    return marks
  }

  /// Keeps answers, notes uses, and makes room: all of it or nothing.
  func write(
    _ writes: [CacheWrite], touched: [CacheKey: Int64]
  ) throws(SQLiteError) -> Outcome {
    let before = (byteCount, answerCount)
    do {
      let outcome = try connection.transaction(.writing) { () throws(SQLiteError) in
        var outcome = Outcome()
        try dropOld(&outcome)
        for write in writes {
          try makeRoom(for: write.answer.byteCount, &outcome)
          try store(write)
          outcome.stored.append(write.key)
        }
        try makeRoom(for: 0, &outcome)
        for (key, tick) in touched { try touch(key, tick) }
        return outcome
      }
      if connection.walPages > CacheLimits.logPagesMax { try connection.checkpoint(.passive) }
      return outcome
    } catch {
      (byteCount, answerCount) = before
      throw error
    }
  }

  func close() { _ = try? connection.checkpoint(.truncate) }

  // MARK: - Rows

  private func store(_ write: CacheWrite) throws(SQLiteError) {
    let known = try connection.statement(
      "SELECT id, bytes FROM answers WHERE product = ? AND hash = ?")
    try known.bind(write.key.product.text, at: 1)
    try known.bind(write.key.hash, at: 2)
    let found = try known.step() ? (known.int64(at: 0), known.int64(at: 1)) : nil
    known.reset()
    if let (id, bytes) = found { try delete(id, bytes) }
    let answer = try connection.statement(
      "INSERT INTO answers (product, hash, kept_ms, used, bytes) VALUES (?, ?, ?, ?, ?)")
    try answer.bind(write.key.product.text, at: 1)
    try answer.bind(write.key.hash, at: 2)
    try answer.bind(write.keptMilliseconds, at: 3)
    try answer.bind(Self.tick(write.keptMilliseconds), at: 4)
    try answer.bind(write.answer.byteCount, at: 5)
    try answer.run()
    let body = try connection.statement(
      "INSERT INTO bodies (id, digest, facts, body) VALUES (?, ?, ?, ?)")
    try body.bind(connection.lastKey, at: 1)
    try body.bind(write.answer.digest(under: write.key), at: 2)
    try body.bind(write.answer.facts, at: 3)
    try body.bind(write.answer.body, at: 4)
    try body.run()
    byteCount += Int64(write.answer.byteCount)
    answerCount += 1
  }

  private func touch(_ key: CacheKey, _ tick: Int64) throws(SQLiteError) {
    let row = try connection.statement(
      "UPDATE answers SET used = ? WHERE product = ? AND hash = ? AND used < ?1")
    try row.bind(tick, at: 1)
    try row.bind(key.product.text, at: 2)
    try row.bind(key.hash, at: 3)
    try row.run()
  }

  private func delete(_ id: Int64, _ bytes: Int64) throws(SQLiteError) {
    let answer = try connection.statement("DELETE FROM answers WHERE id = ?")
    try answer.bind(id, at: 1)
    try answer.run()
    let body = try connection.statement("DELETE FROM bodies WHERE id = ?")
    try body.bind(id, at: 1)
    try body.run()
    byteCount -= bytes
    answerCount -= 1
  }

  // MARK: - Room

  private struct Row {
    let id: Int64
    let key: CacheKey?
    let bytes: Int64
    let keptMilliseconds: Int64
  }

  /// Answers that are older than any may be: those that came first.
  private func dropOld(_ outcome: inout Outcome) throws(SQLiteError) {
    let oldest = options.clock() - options.ageMaxMilliseconds
    while true {
      let old = try rows(
        "SELECT id, product, hash, bytes, kept_ms FROM answers ORDER BY id LIMIT 64"
      ).prefix { $0.keptMilliseconds < oldest }
      guard !old.isEmpty else { return }
      for row in old { try drop(row, isOld: true, &outcome) }
    }
  }

  /// Gives up what was used the longest ago.
  private func makeRoom(for bytes: Int, _ outcome: inout Outcome) throws(SQLiteError) {
    var isTooMuch: Bool {
      byteCount + Int64(bytes) > Int64(options.bytesMax)
        || answerCount + (bytes > 0 ? 1 : 0) > CacheLimits.answersMax
    }
    while isTooMuch, answerCount > 0 {
      let least = try rows(
        "SELECT id, product, hash, bytes, kept_ms FROM answers ORDER BY used, id LIMIT 64")
      guard !least.isEmpty else { return }
      for row in least where isTooMuch { try drop(row, isOld: false, &outcome) }
    }
  }

  private func rows(_ sql: StaticString) throws(SQLiteError) -> [Row] {
    let row = try connection.statement(sql)
    var found: [Row] = []
    while try row.step() {
      found.append(
        Row(
          id: row.int64(at: 0),
          key: GatewayName(row.text(at: 1)).map { CacheKey(product: $0, hash: row.bytes(at: 2)) },
          bytes: row.int64(at: 3), keptMilliseconds: row.int64(at: 4)))
    }
    row.reset()
    return found
  }

  private func drop(_ row: Row, isOld: Bool, _ outcome: inout Outcome) throws(SQLiteError) {
    try delete(row.id, row.bytes)
    if let key = row.key { outcome.evicted.append((key, isOld)) }
  }

  static func tick(_ milliseconds: Int64) -> Int64 {
    milliseconds / (CacheLimits.tickSeconds * 1_000)
  }
}

extension CachedAnswer {
  /// Of the answer and of what it answers: bytes that a disk has changed, or that stand in another
  /// row's place, are never given out.
  func digest(under key: CacheKey) -> [UInt8] {
    var digest = SHA256()
    digest.update(field: key.product.text)
    digest.update(field: key.hash)
    digest.update(field: facts)
    digest.update(field: body)
    return digest.finish()
  }
}
