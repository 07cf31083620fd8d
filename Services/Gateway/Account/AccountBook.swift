package import EventLoop
import Faults
import GatewayBudgets
package import GatewayCatalog
package import GatewayDoor
package import GatewayLedger
package import GatewayPipeline
import GatewayValues
package import LedgerFile
package import Telemetry

/// Who may call and what they may spend, as it holds now.
///
/// Every change is durable before it holds, one after the other; a call that begins afterwards is
/// made by it, one under way ends as it began.
package actor AccountBook: LoopActor {
  package nonisolated let loop: EventLoop
  let ledger: Ledger
  let pipeline: CallPipeline
  let directory: DoorDirectory
  let logger: Logger
  /// The last good file.
  var file: FileFacts
  /// The latest word on each product that is there.
  var products: [GatewayName: ProductStanding] = [:]
  var keys: [KeyRecord] = []
  private var isChanging = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// A product as it is now, and who said so.
  package struct ProductStanding: Sendable {
    package var words: ProductWords
    package var origin: ChangeNote.Origin
  }

  private init(
    _ file: FileFacts, _ ledger: Ledger, _ pipeline: CallPipeline, _ directory: DoorDirectory,
    _ logger: Logger
  ) {
    loop = pipeline.loop
    self.file = file
    self.ledger = ledger
    self.pipeline = pipeline
    self.directory = directory
    self.logger = logger
  }

  /// Reads what was said before, and hears what the file says now.
  package static func open(
    _ file: FileFacts, ledger: Ledger, pipeline: CallPipeline, directory: DoorDirectory,
    logger: Logger
  ) async throws -> AccountBook {
    let book = AccountBook(file, ledger, pipeline, directory, logger)
    try await book.readKeys()
    try await book.take(file)
    return book
  }

  private func readKeys() async throws { keys = try await ledger.keyRecords() }

  // MARK: - One change at a time

  /// Runs a change alone: it sees all that was changed before, and nobody sees half of it.
  func alone<R: Sendable>(_ change: () async throws -> R) async throws -> R {
    if isChanging {
      guard waiting.count < AccountLimits.changesWaitingMax else {
        throw Fault(
          .resourceExhausted, reason: "ACCOUNT_BUSY", "Too many changes wait for one another.",
          retryAfter: .milliseconds(200), facts: ["limit": "changesWaitingMax"])
      }
      await withCheckedContinuation { waiting.append($0) }
    }
    isChanging = true
    defer {
      isChanging = false
      if !waiting.isEmpty { waiting.removeFirst().resume() }
    }
    return try await change()
  }

  // MARK: - The file

  /// Takes another file, whole or not at all: where it cannot be used it throws, and all stays
  /// as it was.
  package func take(_ facts: FileFacts) async throws {
    try await alone {
      let history = FilePlan.History(
        budgets: try await self.ledger.budgetVersions(),
        prices: try await self.ledger.priceVersions(),
        products: try await self.ledger.productVersions())
      let plan = FilePlan(facts.catalog, history)
      try Self.check(plan, history)
      let products = try Self.products(after: plan, history)
      try await self.pipeline.stage(Self.merged(facts.catalog, products), facts.secrets)
      do {
        try await self.enter(plan)
      } catch {
        await self.pipeline.dropStaged()
        throw error
      }
      self.file = facts
      self.products = products
      await self.pipeline.takeStaged()
      self.tellDoor()
    }
  }

  /// What the ledger would refuse, before anything is entered.
  private static func check(_ plan: FilePlan, _ history: FilePlan.History) throws {
    let first = Dictionary(history.budgets.map { ($0.budget.name, $0.budget) }) { first, _ in first
    }
    for budget in plan.budgets {
      _ = try TimeZoneRules(named: budget.zone)
      guard let known = first[budget.name], known.zone != budget.zone else { continue }
      throw Fault(
        .failedPrecondition, reason: "BUDGET_IS_ANOTHER",
        "The budget \(budget.name) counts in the zone \(known.zone), not in \(budget.zone).",
        hint: "A budget keeps its zone; only its cap can change.")
    }
    for price in plan.prices where !price.price.isCredible {
      throw Fault(
        .failedPrecondition, reason: "BAD_CATALOG", "\(price.model) cannot cost this much.")
    }
  }

  private static func products(
    after plan: FilePlan, _ history: FilePlan.History
  ) throws -> [GatewayName: ProductStanding] {
    var products: [GatewayName: ProductStanding] = [:]
    for version in history.products {
      let name = version.product.name
      if version.product.isRemoved {
        products[name] = nil
      } else if let words = ProductWords(bytes: version.product.limits) {
        products[name] = ProductStanding(words: words, origin: version.origin)
      } else {
        throw Fault(
          .dataLoss, reason: "LEDGER_DAMAGED", "The product \(name) in the ledger cannot be read.")
      }
    }
    for name in plan.productsTakenBack { products[name] = nil }
    for (name, words) in plan.products {
      products[name] = ProductStanding(words: words, origin: .file)
    }
    return products
  }

  private func enter(_ plan: FilePlan) async throws {
    for price in plan.prices {
      try await ledger.set(
        price: price.price, of: price.model, version: price.version, note: .file)
    }
    for budget in plan.budgets { try await ledger.set(budget, note: .file) }
    for name in plan.budgetsTakenBack { try await ledger.remove(budget: name, note: .file) }
    for (name, words) in plan.products.sorted(by: { $0.key < $1.key }) {
      try await ledger.set(LedgerProduct(name: name, limits: words.bytes), note: .file)
    }
    for name in plan.productsTakenBack {
      var product = LedgerProduct(name: name)
      product.isRemoved = true
      try await ledger.set(product, note: .file)
    }
  }

  // MARK: - What holds

  /// The file's catalog with the products as they are now.
  static func merged(
    _ catalog: Catalog, _ products: [GatewayName: ProductStanding]
  ) -> Catalog {
    var merged = catalog
    merged.products = products.sorted { $0.key < $1.key }.map { name, standing in
      var entry = standing.words.entry(named: name)
      entry.keys = catalog.product(name.text)?.keys ?? []
      return entry
    }
    return merged
  }

  package var catalog: Catalog { Self.merged(file.catalog, products) }

  func tellDoor() {
    var callers = CallerDirectory()
    let revoked = Set(keys.filter(\.key.isRevoked).map(\.key.hash))
    for key in file.keys where !revoked.contains(key.hash) && isThere(key.product) {
      callers.add(Caller(product: key.product, key: key.name), hash: key.hash)
    }
    for record in keys where !record.key.isRevoked && isThere(record.key.product) {
      callers.add(
        Caller(product: record.key.product, key: record.key.name), hash: record.key.hash)
    }
    directory.set(callers, catalog)
  }

  func isThere(_ product: GatewayName) -> Bool {
    file.catalog.takesAnyProduct || products[product] != nil
  }

  func noProduct(_ name: GatewayName) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_PRODUCT", "There is no product \(name).",
      hint: "assay product ls", facts: ["product": name.text])
  }

  /// Notes a change in the log; the ledger keeps it for ever.
  func log(_ note: ChangeNote, _ method: String, _ subject: String) {
    logger.info(
      "account changed",
      [.peer: .string(note.actor), .method: .string(method), .label: .string(subject)])
  }
}
