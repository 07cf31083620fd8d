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
    var stored: [(key: CacheKey, id: Int64)] = []
    var evicted: [Evicted] = []
  }

  /// An answer that is kept no longer, because room was needed or because it was too old.
  struct Evicted: Sendable {
    let key: CacheKey
    let id: Int64
    let isOld: Bool
  }

  init(_ connection: Connection, _ options: CacheOptions) {
    self.connection = connection
    self.options = options
  }

  /// Where all that is there lies, by its mark, and the sums of it.
  func survey() throws(SQLiteError) -> [UInt64: Int64] {
    var ids: [UInt64: Int64] = [:]
    byteCount = 0
    answerCount = 0
    let row = try connection.statement("SELECT id, product, hash, bytes FROM answers ORDER BY id")
    while try row.step() {
      guard let product = GatewayName(row.text(at: 1)) else { continue }
      ids[CacheKey(product: product, hash: row.bytes(at: 2)).mark] = row.int64(at: 0)
      byteCount += row.int64(at: 3)
      answerCount += 1
    }
    return ids
  }

  /// Keeps answers, notes uses, and makes room: all of it or nothing. No two of the writes have
  /// the same mark; what lies at `replaced` goes, what lies at a place of `touched` was used.
  func write(
    _ writes: [CacheWrite], replacing replaced: [Int64] = [], touched: [Int64: Int64] = [:]
  ) throws(SQLiteError) -> Outcome {
    let before = (byteCount, answerCount)
    do {
      let outcome = try connection.transaction(.writing) { () throws(SQLiteError) in
        var outcome = Outcome()
        try dropOld(&outcome)
        for id in replaced { try delete(id) }
        try makeRoom(for: writes.reduce(0) { $0 + $1.answer.byteCount }, writes.count, &outcome)
        for write in writes {
          try makeRoom(for: write.answer.byteCount, 1, &outcome)
          outcome.stored.append((write.key, try store(write)))
        }
        for (id, tick) in touched { try touch(id, tick) }
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

  private func store(_ write: CacheWrite) throws(SQLiteError) -> Int64 {
    let answer = try connection.statement(
      "INSERT INTO answers (product, hash, kept_ms, used, bytes) VALUES (?, ?, ?, ?, ?)")
    try answer.bind(write.key.product.text, at: 1)
    try answer.bind(write.key.hash, at: 2)
    try answer.bind(write.keptMilliseconds, at: 3)
    try answer.bind(Self.tick(write.keptMilliseconds), at: 4)
    try answer.bind(write.answer.byteCount, at: 5)
    try answer.run()
    let id = connection.lastKey
    let body = try connection.statement(
      "INSERT INTO bodies (id, digest, facts, body) VALUES (?, ?, ?, ?)")
    try body.bind(id, at: 1)
    try body.bind(write.answer.digest(under: write.key), at: 2)
    try body.bind(write.answer.facts, at: 3)
    try body.bind(write.answer.body, at: 4)
    try body.run()
    byteCount += Int64(write.answer.byteCount)
    answerCount += 1
    return id
  }

  private func touch(_ id: Int64, _ tick: Int64) throws(SQLiteError) {
    let row = try connection.statement("UPDATE answers SET used = ? WHERE id = ? AND used < ?1")
    try row.bind(tick, at: 1)
    try row.bind(id, at: 2)
    try row.run()
  }

  /// Nothing, where nothing lies any more.
  private func delete(_ id: Int64) throws(SQLiteError) {
    let known = try connection.statement("SELECT bytes FROM answers WHERE id = ?")
    try known.bind(id, at: 1)
    let bytes = try known.step() ? known.int64(at: 0) : nil
    known.reset()
    if let bytes { try delete(id, bytes) }
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
    while try firstKept().map({ $0 < oldest }) ?? false {
      let first = try rows(
        "SELECT id, product, hash, bytes, kept_ms FROM answers ORDER BY id LIMIT ?")
      for row in first.prefix(while: { $0.keptMilliseconds < oldest }) {
        try drop(row, isOld: true, &outcome)
      }
    }
  }

  private func firstKept() throws(SQLiteError) -> Int64? {
    let row = try connection.statement("SELECT kept_ms FROM answers ORDER BY id LIMIT 1")
    defer { row.reset() }
    return try row.step() ? row.int64(at: 0) : nil
  }

  /// Gives up what was used the longest ago; all of it where even that is not enough.
  private func makeRoom(
    for bytes: Int, _ count: Int, _ outcome: inout Outcome
  ) throws(SQLiteError) {
    var isTooMuch: Bool {
      byteCount + Int64(bytes) > Int64(options.bytesMax)
        || answerCount + count > CacheLimits.answersMax
    }
    while isTooMuch, answerCount > 0 {
      let least = try rows(
        "SELECT id, product, hash, bytes, kept_ms FROM answers ORDER BY used, id LIMIT ?")
      guard !least.isEmpty else { return }
      for row in least where isTooMuch { try drop(row, isOld: false, &outcome) }
    }
  }

  private func rows(_ sql: StaticString) throws(SQLiteError) -> [Row] {
    let row = try connection.statement(sql)
    try row.bind(Int64(CacheLimits.evictedAtOnceMax), at: 1)
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
    if let key = row.key {
      outcome.evicted.append(Evicted(key: key, id: row.id, isOld: isOld))
    }
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
