import Faults
package import GatewayBudgets
package import GatewayValues
package import SQLite

extension LedgerWriter {
  /// Adds one more version and a line of who wanted it; what was before it stays.
  package func perform(_ change: LedgerChange) throws(SQLiteError) -> LedgerReceipt {
    let receipt: LedgerReceipt
    switch change {
    case .budget(let budget, let isRemoved, let moment, let note):
      if let fault = try refusal(of: budget) { return .refused(fault) }
      receipt = try add(budget, isRemoved, moment, note)
    case .price(let entry, let model, let now, let note):
      receipt = try add(entry, model, now, note)
    case .key(let key, let now, let note):
      receipt = try append(
        "key_versions",
        [
          .blob(key.hash), .text(key.name.text), .text(key.product.text), .text(key.role.text),
          .blob(key.limits), .number(key.isRevoked ? 1 : 0), .number(now), .text(note.stored),
        ])
    case .product(let product, let now, let note):
      receipt = try append(
        "product_versions",
        [
          .text(product.name.text), .blob(product.limits), .number(product.isRemoved ? 1 : 0),
          .number(now), .text(note.stored),
        ])
    }
    if case .refused = receipt { return receipt }
    try log(change)
    return receipt
  }

  private func log(_ change: LedgerChange) throws(SQLiteError) {
    switch change {
    case .budget(let budget, let isRemoved, let moment, let note):
      try log(
        note, isRemoved ? "remove budget" : "set budget", budget.name.text,
        isRemoved ? "" : "cap \(budget.cap)", moment.milliseconds)
    case .price(let entry, let model, let now, let note):
      try log(note, "set price", model, "version \(entry.version)", now)
    case .key(let key, let now, let note):
      try log(
        note, key.isRevoked ? "revoke key" : "set key", "\(key.product)/\(key.name)", "", now)
    case .product(let product, let now, let note):
      try log(
        note, product.isRemoved ? "remove product" : "set product", product.name.text, "", now)
    }
  }

  package func log(
    _ note: ChangeNote, _ action: String, _ subject: String, _ detail: String, _ now: Int64
  ) throws(SQLiteError) {
    let detail = [detail, note.text].filter { !$0.isEmpty }.joined(separator: ": ")
    _ = try append(
      "change_log",
      [
        .number(now), .text(note.origin.rawValue), .text(note.actor), .text(action),
        .text(subject), .text(detail),
      ])
  }

  private func append(
    _ table: String, _ values: [LedgerValue]
  ) throws(SQLiteError) -> LedgerReceipt {
    guard var chained = changes[table] else { return .done }
    _ = try chained.add(values, to: connection)
    changes[table] = chained
    return .done
  }

  private func add(
    _ budget: Budget, _ isRemoved: Bool, _ moment: LedgerLine.Moment, _ note: ChangeNote
  ) throws(SQLiteError) -> LedgerReceipt {
    try append(
      "budget_versions",
      [.text(budget.name.text)] + budget.scope.parts.map { .text($0.text) } + [
        .number(budget.period.rawValue), .text(budget.zone), .number(budget.cap.count),
        .number(isRemoved ? 1 : 0), .number(moment.operation), .number(moment.milliseconds),
        .text(note.stored),
      ])
  }

  /// A budget cannot become another one: its accounts would be somebody else's.
  private func refusal(of budget: Budget) throws(SQLiteError) -> Fault? {
    let known = try StoredBudgets.versions(of: budget.name.text, on: connection)
    guard let first = known.first?.budget,
      first.scope != budget.scope || first.period != budget.period || first.zone != budget.zone
    else { return nil }
    return Fault(
      .failedPrecondition, reason: "BUDGET_IS_ANOTHER",
      "The budget \(budget.name) is for another scope, period or zone.",
      hint: "Only its cap can change: give the other one another name.",
      facts: ["budget": budget.name.text])
  }

  private func add(
    _ entry: PriceTable.Entry, _ model: String, _ now: Int64, _ note: ChangeNote
  ) throws(SQLiteError) -> LedgerReceipt {
    let known = try connection.statement(
      "SELECT 1 FROM price_versions WHERE model = ? AND (version = ? OR from_at = ?)")
    try known.bind(model, at: 1)
    try known.bind(entry.version, at: 2)
    try known.bind(entry.fromMilliseconds, at: 3)
    let isKnown = try known.step()
    known.reset()
    guard !isKnown else {
      return .refused(
        Fault(
          .alreadyExists, reason: "PRICE_EXISTS",
          "\(model) has a price of that version or moment already.", facts: ["model": model]))
    }
    let price = entry.price
    return try append(
      "price_versions",
      [.text(model), .text(entry.version), .number(entry.fromMilliseconds)]
        + [
          price.input.count, price.output.count, price.cacheRead.count,
          price.cacheWriteShort.count, price.cacheWriteLong.count,
          price.thousandWebSearches?.count ?? -1, price.batchPercent,
          price.surcharge?.inputTokensAbove ?? -1, price.surcharge?.percent ?? -1, now,
        ].map { .number($0) } + [.text(note.stored)])
  }
}

extension BudgetScope.Part {
  /// As it is kept: nothing for anybody, `*` for each.
  package var text: String {
    switch self {
    case .any: ""
    case .each: "*"
    case .only(let name): name.text
    }
  }

  package init(text: String) {
    if text == "*" {
      self = .each
    } else {
      self = GatewayName(text).map { .only($0) } ?? .any
    }
  }
}

/// One version of a budget, as its history tells it; its note begins with who spoke.
package struct BudgetVersion: Hashable, Sendable {
  package let budget: Budget
  package let isRemoved: Bool
  package let operation: Int64
  package let setAtMilliseconds: Int64
  package let note: String

  package var origin: ChangeNote.Origin { ChangeNote.origin(ofStored: note) }
}

/// Budgets and prices as the file has them.
package enum StoredBudgets {
  /// All versions of one budget, or of all when the name is empty; oldest first.
  package static func versions(
    of name: String, on connection: Connection
  ) throws(SQLiteError) -> [BudgetVersion] {
    let row = try connection.statement(
      """
      SELECT name, product, api_key, run, model, period, zone, cap, is_removed, operation, set_at,
        note FROM budget_versions WHERE ?1 = '' OR name = ?1 ORDER BY number
      """)
    try row.bind(name, at: 1)
    var versions: [BudgetVersion] = []
    while try row.step() {
      let parts = (1...4).map { BudgetScope.Part(text: row.text(at: $0)) }
      guard let name = GatewayName(row.text(at: 0)),
        let period = BudgetPeriod(rawValue: row.int64(at: 5))
      else { throw SQLiteError(11, message: "a budget cannot be read") }
      versions.append(
        BudgetVersion(
          budget: Budget(
            name,
            scope: BudgetScope(product: parts[0], key: parts[1], run: parts[2], model: parts[3]),
            period: period, zone: row.text(at: 6), cap: NanoDollars(row.int64(at: 7))),
          isRemoved: row.int64(at: 8) == 1, operation: row.int64(at: 9),
          setAtMilliseconds: row.int64(at: 10), note: row.text(at: 11)))
    }
    return versions
  }

  /// Those in force.
  package static func current(on connection: Connection) throws(SQLiteError) -> [Budget] {
    var found: [GatewayName: Budget] = [:]
    for version in try versions(of: "", on: connection) {
      found[version.budget.name] = version.isRemoved ? nil : version.budget
    }
    return Array(found.values)
  }

  package static func prices(on connection: Connection) throws(SQLiteError) -> PriceTable {
    var table = PriceTable()
    for version in try priceVersions(on: connection) {
      table.set(version.entry, for: version.model)
    }
    return table
  }

  package static func priceVersions(
    on connection: Connection
  ) throws(SQLiteError) -> [PriceVersion] {
    let row = try connection.statement(
      """
      SELECT model, version, from_at, input, output, cache_read, cache_write_short,
        cache_write_long, thousand_web_searches, batch_percent, surcharge_above,
        surcharge_percent, note FROM price_versions ORDER BY number
      """)
    var found: [PriceVersion] = []
    while try row.step() {
      let amounts = (3...8).map { NanoDollars(row.int64(at: $0)) }
      let surcharge = LongContextSurcharge(
        inputTokensAbove: row.int64(at: 10), percent: row.int64(at: 11))
      let price = ModelPrice(
        input: amounts[0], output: amounts[1], cacheRead: amounts[2], cacheWriteShort: amounts[3],
        cacheWriteLong: amounts[4], thousandWebSearches: amounts[5].count < 0 ? nil : amounts[5],
        batchPercent: row.int64(at: 9), surcharge: surcharge.percent < 0 ? nil : surcharge)
      found.append(
        PriceVersion(
          model: row.text(at: 0),
          entry: PriceTable.Entry(
            price, fromMilliseconds: row.int64(at: 2), version: row.text(at: 1)),
          origin: ChangeNote.origin(ofStored: row.text(at: 12))))
    }
    return found
  }
}
