import Faults
package import GatewayBudgets
import GatewayCatalog
import GatewayLedger
import GatewayPipeline
package import GatewayValues
package import LedgerFile

extension AccountBook {
  /// A budget's subject as it stands, and who said its cap.
  package struct KnownStanding: Sendable {
    package let budget: Budget
    package let standing: BudgetStanding
    package let origin: ChangeNote.Origin
  }

  // MARK: - Budgets

  /// The budgets whose scope is within this one, each of their subjects apart.
  package func standings(within scope: BudgetScope) async throws -> [KnownStanding] {
    var origins: [GatewayName: ChangeNote.Origin] = [:]
    for version in try await ledger.budgetVersions() {
      origins[version.budget.name] = version.origin
    }
    var found: [KnownStanding] = []
    for budget in ledger.budgets where budget.scope.isWithin(scope) {
      for standing in try await ledger.standings(of: budget.name) {
        found.append(
          KnownStanding(
            budget: budget, standing: standing, origin: origins[budget.name] ?? .account))
      }
    }
    return found
  }

  /// Makes a budget, or gives the one of this scope and period another cap. It holds from the
  /// next call on, however much was spent before.
  package func setBudget(
    _ scope: BudgetScope, _ period: BudgetPeriod, zone: String, cap: NanoDollars,
    note: ChangeNote
  ) async throws -> KnownStanding {
    try await alone {
      let scope = try self.checked(scope)
      let known = self.ledger.budgets.first { $0.scope == scope && $0.period == period }
      let name = try known?.name ?? scope.budgetName(period)
      let budget = Budget(
        name, scope: scope, period: period,
        zone: zone.isEmpty ? known?.zone ?? "UTC" : zone, cap: cap)
      if budget != known {
        try await self.ledger.set(budget, note: note)
        self.log(note, "SetBudget", name.text)
      }
      let standings = try await self.standings(within: scope).filter { $0.budget.name == name }
      guard let first = standings.first else { throw Fault.ledgerClosed }
      return first
    }
  }

  /// Takes a budget out of force, and says how it stood; `product`: only one of its own.
  package func removeBudget(
    _ name: GatewayName, of product: GatewayName?, note: ChangeNote
  ) async throws -> KnownStanding {
    try await alone {
      guard
        let known = try await self.standings(within: BudgetScope())
          .first(where: { $0.budget.name == name }),
        product.map({ known.budget.scope.product == .only($0) }) ?? true
      else { throw self.noBudget(name) }
      if self.file.names(budget: name) {
        throw Self.inUse(
          "BUDGET_IN_FILE", "The budget \(name) stands in the gateway's file.",
          hint: "Take it out there: the gateway takes it back by itself.", name)
      }
      let held = self.ledger.attemptsHeld(underBudget: name)
      guard held == 0 else {
        throw Self.inUse(
          "BUDGET_HELD", "Under the budget \(name) \(held) attempts are being made.",
          hint: "Set its cap to 0, wait for them, and ask again.", name)
      }
      try await self.ledger.remove(budget: name, note: note)
      self.log(note, "RemoveBudget", name.text)
      return known
    }
  }

  private func noBudget(_ name: GatewayName) -> Fault {
    let near = Spelling.nearest(to: name.text, among: ledger.budgets.map(\.name.text))
    return Fault(
      .notFound, reason: "BUDGET_UNKNOWN", "There is no budget \(name).",
      hint: near.map { "did you mean \($0)?" } ?? "assay budget ls", facts: ["budget": name.text])
  }

  /// Something that is to go, and is needed.
  static func inUse(
    _ reason: String, _ message: String, hint: String, _ name: GatewayName
  ) -> Fault {
    Fault(
      .failedPrecondition, reason: reason, message, hint: hint, facts: ["name": name.text])
  }

  /// A scope of names that there are, with models by their own names.
  private func checked(_ scope: BudgetScope) throws -> BudgetScope {
    var scope = scope
    if case .only(let product) = scope.product, !isThere(product) { throw noProduct(product) }
    if case .only(let model) = scope.model {
      guard let card = file.catalog.models[model.text], let name = GatewayName(card.name) else {
        throw noModel(model.text)
      }
      scope.model = .only(name)
    }
    return scope
  }

  func noModel(_ model: String) -> Fault {
    let near = Spelling.nearest(to: model, among: Array(file.catalog.models.keys))
    return Fault(
      .notFound, reason: "UNKNOWN_MODEL", "No provider here serves \(model).",
      hint: near.map { "did you mean \($0)?" } ?? "assay model ls", facts: ["model": model])
  }

  // MARK: - Prices

  /// Prices of a model from the first on, or of all models what holds now and later.
  package func prices(of model: String?) async throws -> [PriceVersion] {
    let versions = try await ledger.priceVersions()
    if let model {
      guard let card = file.catalog.models[model] else { throw noModel(model) }
      return versions.filter { $0.model == card.name }
    }
    let now = await pipeline.wallMilliseconds
    var found: [PriceVersion] = []
    for name in Set(versions.map(\.model)).sorted() {
      let own = versions.filter { $0.model == name }
        .sorted { $0.entry.fromMilliseconds < $1.entry.fromMilliseconds }
      let first = own.lastIndex { $0.entry.fromMilliseconds <= now } ?? 0
      found += own[first...]
    }
    return found
  }

  /// What a price is to be; what it leaves open stays as it is.
  package struct PriceOrder: Sendable {
    package var model = ""
    package var price: ModelPrice
    /// 0: as it is.
    package var batchPercent: Int64 = 0
    package var version = ""
    /// 0: now.
    package var fromMilliseconds: Int64 = 0

    package init(_ price: ModelPrice) { self.price = price }
  }

  /// Says what a model costs from a moment on; asked again, it says the same.
  package func setPrice(_ order: PriceOrder, note: ChangeNote) async throws -> PriceVersion {
    try await alone {
      guard let card = self.file.catalog.models[order.model], let model = GatewayName(card.name)
      else { throw self.noModel(order.model) }
      let now = await self.pipeline.wallMilliseconds
      let own = try await self.prices(of: card.name)
      let current = self.ledger.prices.entry(
        for: card.name,
        atMilliseconds: order.fromMilliseconds == 0 ? now : order.fromMilliseconds)
      var price = order.price
      price.thousandWebSearches = price.thousandWebSearches ?? current?.price.thousandWebSearches
      price.surcharge = price.surcharge ?? current?.price.surcharge
      price.batchPercent =
        order.batchPercent == 0 ? current?.price.batchPercent ?? 100 : order.batchPercent
      if let same = own.last(where: { Self.isSame($0, order, price, current) }) { return same }
      let wanted = order.version.isEmpty ? "account-\(now)" : order.version
      guard let version = GatewayName(wanted) else {
        throw Self.bad("price.version", "\(wanted.prefix(130)) is no name.")
      }
      try await self.ledger.set(
        price: price, of: model, version: version,
        fromMilliseconds: order.fromMilliseconds == 0 ? nil : order.fromMilliseconds, note: note)
      self.log(note, "SetPrice", card.name)
      guard
        let made = try await self.prices(of: card.name)
          .last(where: { $0.entry.version == version.text })
      else { throw Fault.ledgerClosed }
      return made
    }
  }

  /// Whether a price says already what is asked: of its version, or else what holds then.
  private static func isSame(
    _ known: PriceVersion, _ order: PriceOrder, _ price: ModelPrice, _ current: PriceTable.Entry?
  ) -> Bool {
    guard known.entry.price == price else { return false }
    if !order.version.isEmpty {
      return known.entry.version == order.version
        && (order.fromMilliseconds == 0
          || order.fromMilliseconds == known.entry.fromMilliseconds)
    }
    return order.fromMilliseconds == 0
      ? known.entry == current : known.entry.fromMilliseconds == order.fromMilliseconds
  }

  // MARK: - Lines

  /// Says what an uncertain attempt, or a gap, came to; asked again, it says the same.
  package func resolve(
    _ id: String, cost: NanoDollars, evidence: String, note: ChangeNote
  ) async throws -> KnownAttempt {
    try await alone {
      let unknown = Fault(
        .notFound, reason: "ATTEMPT_UNKNOWN",
        "There is no attempt \(id.prefix(64)) that has ended.",
        hint: "assay ledger lines --uncertain", facts: ["attempt": String(id.prefix(64))])
      guard let place = AttemptPlace(id) else { throw unknown }
      let known =
        switch place {
        case .attempt(let id): try await self.ledger.attempt(id)
        case .gap(let line): try await self.ledger.attempt(ofLine: line)
        }
      guard let line = known?.line, place.fits(line) else { throw unknown }
      if let correction = known?.correction, let known, correction.cost == cost { return known }
      _ = try await self.ledger.resolve(
        line: line.number, cost: cost, evidence: evidence, note: note)
      self.log(note, "ResolveLine", id)
      guard let resolved = try await self.ledger.attempt(ofLine: line.number) else {
        throw Fault.ledgerClosed
      }
      return resolved
    }
  }
}

/// What an attempt is called outside: `EPOCH-COUNTER`, or `gap-LINE`.
package enum AttemptPlace: Hashable, Sendable {
  case attempt(AttemptID)
  case gap(Int64)

  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let last = Int64(parts[1]), last >= 0 else { return nil }
    if parts[0] == "gap" {
      self = .gap(last)
      return
    }
    guard let epoch = Int64(parts[0]), (1..<1 << 22).contains(epoch),
      last < 1 << AttemptID.counterBits
    else { return nil }
    self = .attempt(AttemptID(epoch: epoch, counter: last))
  }

  package static func name(of line: LedgerLine) -> String {
    line.kind == .gap ? "gap-\(line.number)" : line.attempt.description
  }

  func fits(_ line: LedgerLine) -> Bool {
    switch self {
    case .attempt: line.kind == .attempt
    case .gap: line.kind == .gap
    }
  }
}

extension BudgetScope {
  /// Whether each part that the other names is the same here.
  func isWithin(_ other: BudgetScope) -> Bool {
    zip(parts, other.parts).allSatisfy { $1 == .any || $0 == $1 }
  }

  /// `demo/day` as the file calls it; other parts by their names.
  func budgetName(_ period: BudgetPeriod) throws(Fault) -> GatewayName {
    var words: [String] = []
    for (kind, part) in zip(["", "key:", "run:", "model:"], parts) {
      switch part {
      case .any: continue
      case .each: words.append("each-\(kind.isEmpty ? "product" : String(kind.dropLast()))")
      case .only(let name): words.append("\(kind)\(name)")
      }
    }
    if words.isEmpty { words = ["all"] }
    guard let name = GatewayName((words + [period.word]).joined(separator: "/")) else {
      throw Fault(
        .invalidArgument, reason: "BAD_REQUEST", "scope: its names are too long together.",
        violations: [.init(field: "scope", description: "names too long together")])
    }
    return name
  }
}
