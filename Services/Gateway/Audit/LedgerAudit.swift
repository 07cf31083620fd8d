import Digest
package import Faults
import GatewayValues
import SQLite

/// Adds a ledger up again from its file alone, with statements and arithmetic of its own: it
/// shares nothing with those who wrote it but the meaning of the columns.
package struct LedgerAudit {
  let connection: Connection
  var report = AuditReport()
  var lines: [AuditedLine] = []

  /// Audits a folder, also beside its gateway: it sees one state of the file.
  package static func run(
    folder: String, bill: [BilledCall]? = nil
  ) throws(Fault) -> AuditReport {
    try run(file: "\(folder)/ledger.db", bill: bill)
  }

  /// Audits one file.
  package static func run(
    file: String, bill: [BilledCall]? = nil
  ) throws(Fault) -> AuditReport {
    do {
      var options = ConnectionOptions(.readOnly)
      options.busyTimeoutMilliseconds = 5_000
      let connection = try Connection(file, options)
      guard try connection.applicationID == applicationID else { throw foreign(file) }
      var audit = LedgerAudit(connection: connection)
      try audit.everything(bill)
      return audit.report
    } catch let fault as Fault {
      throw fault
    } catch let error as SQLiteError {
      guard error.code == .damaged else { throw Self.fault(error, file) }
      var report = AuditReport()
      report.add(.file, "ledger.db", error.message)
      return report
    } catch {
      throw Fault(describing: error)
    }
  }

  /// `Algr`, as every ledger says of itself.
  private static let applicationID: Int32 = 0x416C_6772

  private static func foreign(_ file: String) -> Fault {
    Fault(
      .failedPrecondition, reason: "LEDGER_FOREIGN", "\(file) is no ledger.",
      hint: "It is called ledger.db, in the folder that ASSAY_GATEWAY_PATH names.",
      facts: ["path": file])
  }

  private static func fault(_ error: SQLiteError, _ file: String) -> Fault {
    var fault = error.fault
    fault.facts["path"] = file
    guard error.code == .inaccessible else {
      fault.reason = "LEDGER_ERROR"
      return fault
    }
    fault.reason = "LEDGER_INACCESSIBLE"
    fault.message = "The ledger \(file) cannot be opened."
    fault.hint = "Look whether it is there, and whether this account may read it and its folder."
    return fault
  }

  private mutating func everything(_ bill: [BilledCall]?) throws(SQLiteError) {
    for problem in try connection.problems() { report.add(.file, "ledger.db", problem) }
    try connection.begin(.reading)
    defer { connection.rollBack() }
    let version = try connection.userVersion
    for table in Self.tables where table.since <= version { try checkChain(table) }
    lines = try AuditedLine.all(on: connection)
    report.lines = lines.count
    takeStock()
    checkPaths()
    try checkPrices()
    try checkBalances()
    try checkSpend()
    try checkBudgets()
    try checkCalls()
    try checkReplies()
    if let bill { compare(with: bill) }
  }

  // MARK: - Chains

  private struct Table {
    let name: String
    /// What each column between number and chain is: a number, a text, a blob.
    let kinds: String
    /// The version of the file from which on it is there.
    var since: Int32 = 1
  }

  private static let tables = [
    Table(name: "lines", kinds: "nnttttttnnnnnttnnnnnnntnnntnnnnnnnt"),
    Table(name: "budget_versions", kinds: "tttttntnnnnt"),
    Table(name: "price_versions", kinds: "ttnnnnnnnnnnnt"),
    Table(name: "key_versions", kinds: "btttbnnt"),
    Table(name: "product_versions", kinds: "tbnnt"),
    Table(name: "change_log", kinds: "nttttt", since: 2),
    Table(name: "predictions", kinds: "nn", since: 4),
  ]

  /// Each row's digest over the digest before it and the row's own values.
  private mutating func checkChain(_ table: Table) throws(SQLiteError) {
    let row = try connection.statement(composed: "SELECT * FROM \(table.name) ORDER BY number")
    var previous = [UInt8](repeating: 0, count: 32)
    var expected: Int64 = 1
    while try row.step() {
      let number = row.int64(at: 0)
      if number != expected {
        report.add(.chain, "\(table.name) \(number)", "row \(expected) is not there")
      }
      var bytes = previous
      Self.append(1, number, to: &bytes)
      for (index, kind) in table.kinds.enumerated() {
        let column = Int32(index + 1)
        switch kind {
        case "n": Self.append(1, row.int64(at: column), to: &bytes)
        case "t":
          let text = Array(row.text(at: column).utf8)
          Self.append(2, Int64(text.count), to: &bytes)
          bytes += text
        default:
          let blob = row.bytes(at: column)
          Self.append(3, Int64(blob.count), to: &bytes)
          bytes += blob
        }
      }
      var hash = SHA256()
      hash.update(bytes)
      let chain = row.bytes(at: Int32(table.kinds.count + 1))
      if hash.finish() != chain {
        report.add(.chain, "\(table.name) \(number)", "it is not as it was written")
      }
      previous = chain
      expected = number + 1
    }
  }

  private static func append(_ kind: UInt8, _ value: Int64, to bytes: inout [UInt8]) {
    bytes.append(kind)
    var rest = UInt64(bitPattern: value)
    for _ in 0..<8 {
      bytes.append(UInt8(rest & 0xFF))
      rest >>= 8
    }
  }

  // MARK: - Ways and sums

  private mutating func checkPaths() {
    var attempts: Set<Int64> = []
    var operations: Set<Int64> = []
    var corrected: Set<Int64> = []
    for line in lines {
      if line.kind == 3, !corrected.insert(line.corrects).inserted {
        report.add(.repeated, "lines \(line.number)", "the line it corrects was corrected before")
      }
      if let wrong = line.wrongPath { report.add(.path, "lines \(line.number)", wrong) }
      if line.kind == 1, !attempts.insert(line.attempt).inserted {
        report.add(.repeated, "lines \(line.number)", "the attempt has a line already")
      }
      for operation in [line.reservedOp, line.sentOp, line.endedOp]
      where operation > 0 && !operations.insert(operation).inserted {
        report.add(.repeated, "lines \(line.number)", "operation \(operation) happened before")
      }
    }
  }

  private mutating func checkPrices() throws(SQLiteError) {
    let prices = try AuditedPrice.all(on: connection)
    for line in lines where line.kind == 1 {
      guard let price = prices["\(line.model) \(line.priceVersion)"] else {
        report.add(.price, "lines \(line.number)", "there is no such price")
        continue
      }
      if line.state == 3, price.cost(of: line) != line.cost {
        report.add(.price, "lines \(line.number)", "its usage at its price is another sum")
      }
    }
  }

  private mutating func checkBalances() throws(SQLiteError) {
    var sums: [Int64: (settled: Int64, uncertain: Int64)] = [:]
    for line in lines {
      let delta = line.delta
      report.settled = report.settled.adding(delta.settled)
      report.uncertain = report.uncertain.adding(delta.uncertain)
      report.excess = report.excess.adding(max(0, line.cost - line.bound))
      for account in line.accounts {
        let sum = sums[account] ?? (0, 0)
        sums[account] = (sum.settled + delta.settled, sum.uncertain + delta.uncertain)
      }
    }
    let row = try connection.statement("SELECT id, settled, uncertain, ceiling FROM accounts")
    while try row.step() {
      let id = row.int64(at: 0)
      let sum = sums.removeValue(forKey: id) ?? (0, 0)
      if sum.settled != row.int64(at: 1) || sum.uncertain != row.int64(at: 2) {
        report.add(
          .balance, "accounts \(id)",
          "it says \(row.int64(at: 1)) and \(row.int64(at: 2)), its lines "
            + "\(sum.settled) and \(sum.uncertain)")
      }
    }
    for id in sums.keys.sorted() { report.add(.balance, "accounts \(id)", "it is not there") }
  }

  private mutating func checkSpend() throws(SQLiteError) {
    var sums: [String: [Int64]] = [:]
    let gaps = Set(lines.filter { $0.kind == 2 }.map(\.number))
    for line in lines where line.kind != 2 && !gaps.contains(line.corrects) {
      let day = line.endedAt / 86_400_000 - (line.endedAt % 86_400_000 < 0 ? 1 : 0)
      let key = "\(day) \(line.party.joined(separator: " "))"
      let delta = line.delta
      let values = [
        line.kind == 1 ? 1 : 0, delta.settled, delta.uncertain, line.usage[0...3].reduce(0, +),
        line.usage[4] + line.usage[5],
      ]
      sums[key] = zip(sums[key] ?? [0, 0, 0, 0, 0], values).map { $0 + $1 }
    }
    let row = try connection.statement(
      """
      SELECT day, product, api_key, run, model, provider, attempts, settled, uncertain,
        input_tokens, output_tokens FROM spend
      """)
    while try row.step() {
      let party = (1...5).map { row.text(at: $0) }.joined(separator: " ")
      let key = "\(row.int64(at: 0)) \(party)"
      if sums.removeValue(forKey: key) != (6...10).map({ row.int64(at: $0) }) {
        report.add(.balance, "spend of day \(row.int64(at: 0))", "it is not the sum of its lines")
      }
    }
    if !sums.isEmpty { report.add(.balance, "spend", "\(sums.count) rows are not there") }
  }

  // MARK: - Calls and replies

  private mutating func checkCalls() throws(SQLiteError) {
    let byNumber = Dictionary(lines.map { ($0.number, $0) }) { first, _ in first }
    var known: Set<String> = []
    let row = try connection.statement("SELECT product, call_key, settled_line FROM calls")
    while try row.step() {
      let key = "\(row.text(at: 0)) \(row.text(at: 1))"
      known.insert(key)
      guard !row.isNull(at: 2) else { continue }
      let line = byNumber[row.int64(at: 2)]
      if line.map({ "\($0.party[0]) \($0.callKey)" }) != key || line?.state == 4 {
        report.add(.call, "calls of line \(row.int64(at: 2))", "that line is not its answer")
      }
    }
    for line in lines where line.kind == 1 && !known.contains("\(line.party[0]) \(line.callKey)") {
      report.add(.call, "lines \(line.number)", "its call is not there")
    }
  }

  private mutating func checkReplies() throws(SQLiteError) {
    let row = try connection.statement("SELECT line, digest, bytes FROM replies")
    while try row.step() {
      var hash = SHA256()
      hash.update(row.bytes(at: 2))
      if hash.finish() != row.bytes(at: 1) {
        report.add(.reply, "replies \(row.int64(at: 0))", "it is not as it was kept")
      }
    }
  }
}

extension NanoDollars {
  fileprivate func adding(_ count: Int64) -> NanoDollars { NanoDollars(self.count &+ count) }
}
