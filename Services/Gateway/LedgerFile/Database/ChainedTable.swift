import Digest
import GatewayBudgets
import GatewayValues
package import SQLite

/// A value of a row that is only ever added.
package enum LedgerValue: Sendable {
  case number(Int64)
  case text(String)
  case blob([UInt8])
}

/// Adds rows to one table, each chained to the one before it.
package struct ChainedTable {
  package let name: String
  package let columns: Int
  private let sql: String
  /// Of the latest row, and its number.
  package private(set) var chain: [UInt8]
  package private(set) var latest: Int64
  /// Memory that one row after another is written in.
  private var bytes: [UInt8]? = []

  /// `columns` counts all but number and chain.
  package init(_ name: String, columns: Int, in connection: Connection) throws(SQLiteError) {
    self.name = name
    self.columns = columns
    let places = Array(repeating: "?", count: columns + 2).joined(separator: ", ")
    sql = "INSERT INTO \(name) VALUES (\(places))"
    let last = try connection.statement(
      composed: "SELECT number, chain FROM \(name) ORDER BY number DESC LIMIT 1")
    if try last.step() {
      latest = last.int64(at: 0)
      chain = last.bytes(at: 1)
    } else {
      latest = 0
      chain = [UInt8](repeating: 0, count: SHA256.byteCount)
    }
    last.reset()
  }

  /// Adds a row with what `fill` puts into its columns, in their order; its number.
  package mutating func add(
    to connection: Connection, _ fill: (inout ChainedRow) throws(SQLiteError) -> Void
  ) throws(SQLiteError) -> Int64 {
    let number = latest + 1
    var row = ChainedRow(
      try connection.statement(composed: sql), behind: chain, in: bytes.take() ?? [])
    try row.number(number)
    try fill(&row)
    let next = try row.finish()
    bytes = row.bytes
    chain = next
    latest = number
    return number
  }

  /// The number of the new row.
  package mutating func add(_ values: [LedgerValue], to connection: Connection) throws(SQLiteError)
    -> Int64
  {
    try add(to: connection) { row throws(SQLiteError) in
      for value in values {
        switch value {
        case .number(let number): try row.number(number)
        case .text(let text): try row.text(text)
        case .blob(let blob): try row.blob(blob)
        }
      }
    }
  }
}

/// A row while its columns are filled: bound to its statement, and written for its digest.
package struct ChainedRow {
  private let statement: Statement
  fileprivate private(set) var bytes: [UInt8]
  private var place: Int32 = 0

  fileprivate init(_ statement: Statement, behind chain: [UInt8], in bytes: [UInt8]) {
    self.statement = statement
    self.bytes = bytes
    self.bytes.removeAll(keepingCapacity: true)
    self.bytes.append(contentsOf: chain)
  }

  /// A kind, a length where there is none by itself, and the value.
  package mutating func number(_ value: Int64) throws(SQLiteError) {
    bytes.append(1)
    fixed(value)
    place += 1
    try statement.bind(value, at: place)
  }

  package mutating func text(_ value: String) throws(SQLiteError) {
    bytes.append(2)
    fixed(Int64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
    place += 1
    try statement.bind(value, at: place)
  }

  package mutating func blob(_ value: [UInt8]) throws(SQLiteError) {
    bytes.append(3)
    fixed(Int64(value.count))
    bytes.append(contentsOf: value)
    place += 1
    try statement.bind(value, at: place)
  }

  private mutating func fixed(_ value: Int64) {
    let word = UInt64(bitPattern: value)
    bytes.append(contentsOf: (0..<8).lazy.map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) })
  }

  fileprivate mutating func finish() throws(SQLiteError) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    let digest = hash.finish()
    try statement.bind(digest, at: place + 1)
    try statement.run()
    return digest
  }
}

extension LedgerLine {
  package static let columnCount = 35

  /// Fills the columns between number and chain.
  package func fill(_ row: inout ChainedRow) throws(SQLiteError) {
    try row.number(kind.rawValue)
    try row.number(attempt.number)
    try row.text(callKey)
    try row.text(order.party.product.text)
    try row.text(order.party.key.text)
    try row.text(order.party.run?.text ?? "")
    try row.text(order.party.model.text)
    try row.text(order.provider.text)
    try row.number(order.kind.rawValue)
    try row.number(order.isBatched ? 1 : 0)
    try row.number(state.rawValue)
    try row.number(standing?.rawValue ?? 0)
    try row.number(outcome?.rawValue ?? 0)
    try row.text(answeredModel)
    try row.text(providerRequestID)
    for value in [
      usage.freshInput, usage.cacheRead, usage.cacheWriteShort, usage.cacheWriteLong, usage.output,
      usage.reasoning, usage.webSearches,
    ] { try row.number(value) }
    try row.text(priceVersion)
    try row.number(bound.count)
    try row.number(cost.count)
    try row.number(flags.rawValue)
    try row.text(
      accounts.count == 1
        ? String(accounts[0]) : accounts.map(String.init).joined(separator: " "))
    for moment in [reserved, sent, ended] {
      try row.number(moment.operation)
      try row.number(moment.milliseconds)
    }
    try row.number(corrects)
    try row.text(evidence)
  }

  package static let columns = """
    number, kind, attempt, call_key, product, api_key, run, model, provider, attempt_kind,
    is_batched, state, standing, outcome, answered_model, request_id, fresh_input, cache_read,
    cache_write_short, cache_write_long, output, reasoning, web_searches, price_version, bound,
    cost, flags, accounts, reserved_op, reserved_at, sent_op, sent_at, ended_op, ended_at,
    corrects, evidence
    """

  /// The row that a statement over `columns` stands on; nil when it says nothing.
  package init?(_ row: Statement) {
    let names = [4, 5, 7, 8].map { GatewayName(row.text(at: $0)) ?? GatewayName("unknown") }
    guard let product = names[0], let key = names[1], let model = names[2],
      let provider = names[3], let kind = Kind(rawValue: row.int64(at: 1)),
      let state = AttemptState(rawValue: row.int64(at: 11))
    else { return nil }
    var order = AttemptOrder(
      party: CallParty(
        product: product, key: key, run: GatewayName(row.text(at: 6)), model: model),
      provider: provider, bound: CallBound(inputTokensMax: 0, outputTokensMax: 0))
    order.kind = AttemptKind(rawValue: row.int64(at: 9)) ?? .first
    order.isBatched = row.int64(at: 10) == 1
    self.init(attempt: AttemptID(number: row.int64(at: 2)), order: order)
    number = row.int64(at: 0)
    self.kind = kind
    callKey = row.text(at: 3)
    self.state = state
    standing = UsageStanding(rawValue: row.int64(at: 12))
    outcome = AttemptOutcome(rawValue: row.int64(at: 13))
    answeredModel = row.text(at: 14)
    providerRequestID = row.text(at: 15)
    usage = TokenUsage(
      freshInput: row.int64(at: 16), cacheRead: row.int64(at: 17),
      cacheWriteShort: row.int64(at: 18), cacheWriteLong: row.int64(at: 19),
      output: row.int64(at: 20), reasoning: row.int64(at: 21), webSearches: row.int64(at: 22))
    priceVersion = row.text(at: 23)
    bound = NanoDollars(row.int64(at: 24))
    cost = NanoDollars(row.int64(at: 25))
    flags = LineFlags(rawValue: row.int64(at: 26))
    accounts = row.text(at: 27).split(separator: " ").compactMap { Int64($0) }
    reserved = Moment(operation: row.int64(at: 28), milliseconds: row.int64(at: 29))
    sent = Moment(operation: row.int64(at: 30), milliseconds: row.int64(at: 31))
    ended = Moment(operation: row.int64(at: 32), milliseconds: row.int64(at: 33))
    corrects = row.int64(at: 34)
    evidence = row.text(at: 35)
  }
}
