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

  /// The number of the new row.
  package mutating func add(_ values: [LedgerValue], to connection: Connection) throws(SQLiteError)
    -> Int64
  {
    let number = latest + 1
    var bytes = chain
    bytes.reserveCapacity(1_024)
    let statement = try connection.statement(composed: sql)
    try statement.bind(number, at: 1)
    Self.digest(.number(number), into: &bytes)
    for (index, value) in values.enumerated() {
      Self.digest(value, into: &bytes)
      let place = Int32(index + 2)
      switch value {
      case .number(let number): try statement.bind(number, at: place)
      case .text(let text): try statement.bind(text, at: place)
      case .blob(let blob): try statement.bind(blob, at: place)
      }
    }
    var hash = SHA256()
    hash.update(bytes)
    let next = hash.finish()
    try statement.bind(next, at: Int32(values.count + 2))
    try statement.run()
    chain = next
    latest = number
    return number
  }

  /// A kind, a length where there is none by itself, and the value.
  private static func digest(_ value: LedgerValue, into bytes: inout [UInt8]) {
    func fixed(_ value: Int64) {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> Int64(8 * shift))) }
    }
    switch value {
    case .number(let number):
      bytes.append(1)
      fixed(number)
    case .text(let text):
      bytes.append(2)
      fixed(Int64(text.utf8.count))
      bytes.append(contentsOf: text.utf8)
    case .blob(let blob):
      bytes.append(3)
      fixed(Int64(blob.count))
      bytes.append(contentsOf: blob)
    }
  }
}

extension LedgerLine {
  package static let columnCount = 35

  /// The columns between number and chain.
  package var values: [LedgerValue] {
    let party = order.party
    return [
      .number(kind.rawValue), .number(attempt.number), .text(callKey), .text(party.product.text),
      .text(party.key.text), .text(party.run?.text ?? ""), .text(party.model.text),
      .text(order.provider.text), .number(order.kind.rawValue),
      .number(order.isBatched ? 1 : 0), .number(state.rawValue),
      .number(standing?.rawValue ?? 0), .number(outcome?.rawValue ?? 0), .text(answeredModel),
      .text(providerRequestID), .number(usage.freshInput), .number(usage.cacheRead),
      .number(usage.cacheWriteShort), .number(usage.cacheWriteLong), .number(usage.output),
      .number(usage.reasoning), .number(usage.webSearches), .text(priceVersion),
      .number(bound.count), .number(cost.count), .number(flags.rawValue),
      .text(accounts.map(String.init).joined(separator: " ")), .number(reserved.operation),
      .number(reserved.milliseconds), .number(sent.operation), .number(sent.milliseconds),
      .number(ended.operation), .number(ended.milliseconds), .number(corrects), .text(evidence),
    ]
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
