import SQLite

/// A line as the auditor reads it: columns, without what they mean to those who write them.
struct AuditedLine {
  let number: Int64
  let kind: Int64
  let attempt: Int64
  let callKey: String
  /// Product, key, run, model, provider.
  let party: [String]
  let isBatched: Bool
  let state: Int64
  let standing: Int64
  let requestID: String
  /// Fresh, read, written short, written long, output, reasoning, searches.
  let usage: [Int64]
  let priceVersion: String
  let bound: Int64
  let cost: Int64
  let accounts: [Int64]
  let reservedOp: Int64
  let reservedAt: Int64
  let sentOp: Int64
  let endedOp: Int64
  let endedAt: Int64
  let corrects: Int64

  var model: String { party[3] }

  static func all(on connection: Connection) throws(SQLiteError) -> [AuditedLine] {
    let row = try connection.statement("SELECT * FROM lines ORDER BY number")
    var all: [AuditedLine] = []
    while try row.step() { all.append(AuditedLine(row)) }
    return all
  }

  private init(_ row: Statement) {
    number = row.int64(at: 0)
    kind = row.int64(at: 1)
    attempt = row.int64(at: 2)
    callKey = row.text(at: 3)
    party = (4...8).map { row.text(at: $0) }
    isBatched = row.int64(at: 10) == 1
    state = row.int64(at: 11)
    standing = row.int64(at: 12)
    requestID = row.text(at: 15)
    usage = (16...22).map { row.int64(at: $0) }
    priceVersion = row.text(at: 23)
    bound = row.int64(at: 24)
    cost = row.int64(at: 25)
    accounts = row.text(at: 27).split(separator: " ").compactMap { Int64($0) }
    reservedOp = row.int64(at: 28)
    reservedAt = row.int64(at: 29)
    sentOp = row.int64(at: 30)
    endedOp = row.int64(at: 32)
    endedAt = row.int64(at: 33)
    corrects = row.int64(at: 34)
  }

  /// What it adds to what is settled and to what is uncertain.
  var delta: (settled: Int64, uncertain: Int64) {
    if kind == 3 { return (cost, -bound) }
    return state == 5 ? (0, cost) : (cost, 0)
  }

  /// Why there is no such line; nil when there is.
  var wrongPath: String? {
    switch (kind, state) {
    case (1, 3), (1, 5):
      guard reservedOp > 0, reservedOp < sentOp, sentOp < endedOp else {
        return "it was not reserved, sent and ended in this order"
      }
      if state == 3, standing != 1, standing != 2 { return "it is settled on no usage" }
      if state == 5, standing != 3 || cost != bound || usage.contains(where: { $0 != 0 }) {
        return "it is uncertain and not at its bound"
      }
    case (1, 4):
      guard reservedOp > 0, sentOp == 0 || reservedOp < sentOp, max(reservedOp, sentOp) < endedOp
      else { return "it was not reserved and ended in this order" }
      if cost != 0 { return "it is void and cost something" }
    case (2, 5):
      if cost != bound || accounts.count != 1 { return "a gap is of one account, whole" }
    case (3, 3):
      if corrects <= 0 || corrects >= number { return "it corrects no line before it" }
    default: return "there is no such line"
    }
    return nil
  }
}

/// A price as the auditor reckons with it.
struct AuditedPrice {
  /// For a million of each kind, in the order of a line's usage; searches by the thousand.
  let perMillion: [Int64]
  let batchPercent: Int64
  let surchargeAbove: Int64
  let surchargePercent: Int64

  /// By model and version.
  static func all(on connection: Connection) throws(SQLiteError) -> [String: AuditedPrice] {
    let row = try connection.statement(
      """
      SELECT model || ' ' || version, input, cache_read, cache_write_short, cache_write_long,
        output, output, thousand_web_searches, batch_percent, surcharge_above, surcharge_percent
      FROM price_versions
      """)
    var all: [String: AuditedPrice] = [:]
    while try row.step() {
      all[row.text(at: 0)] = AuditedPrice(
        perMillion: (1...7).map { row.int64(at: $0) }, batchPercent: row.int64(at: 8),
        surchargeAbove: row.int64(at: 9), surchargePercent: row.int64(at: 10))
    }
    return all
  }

  /// Rounded up to a whole nano-dollar; nil when something has no price.
  func cost(of line: AuditedLine) -> Int64? {
    var millionths: Int128 = 0
    for kind in 0..<6 { millionths += Int128(line.usage[kind]) * Int128(perMillion[kind]) }
    func percent(_ share: Int64) -> Int128 {
      let whole = millionths * Int128(share)
      return whole / 100 + (whole % 100 == 0 ? 0 : 1)
    }
    if surchargePercent >= 0, line.usage[0...3].reduce(0, +) > surchargeAbove {
      millionths = percent(surchargePercent)
    }
    if line.isBatched { millionths = percent(batchPercent) }
    if line.usage[6] > 0 {
      guard perMillion[6] >= 0 else { return nil }
      millionths += Int128(line.usage[6]) * Int128(perMillion[6]) * 1_000
    }
    return Int64(exactly: millionths / 1_000_000 + (millionths % 1_000_000 == 0 ? 0 : 1))
  }
}
