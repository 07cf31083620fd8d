import Faults
import GatewayBudgets
import GatewayCatalog
import GatewayLedger
import GatewayPipeline
package import GatewayValues
package import LedgerFile

extension AccountBook {
  package func productStandings() -> [(name: GatewayName, standing: ProductStanding)] {
    products.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Makes a product, or says anew what it is.
  package func setProduct(
    _ name: GatewayName, _ words: ProductWords, note: ChangeNote
  ) async throws -> ProductStanding {
    try await alone {
      try self.check(name, words)
      if self.products[name]?.words == words, let known = self.products[name] { return known }
      let standing = ProductStanding(words: words, origin: note.origin)
      var products = self.products
      products[name] = standing
      try await self.pipeline.stage(Self.merged(self.file.catalog, products))
      do {
        try await self.ledger.set(LedgerProduct(name: name, limits: words.bytes), note: note)
      } catch {
        await self.pipeline.dropStaged()
        throw error
      }
      self.products = products
      await self.pipeline.takeStaged()
      self.tellDoor()
      self.log(note, "SetProduct", name.text)
      return standing
    }
  }

  /// Takes a product away, with nothing left that is its own but its lines; says what it was.
  package func removeProduct(
    _ name: GatewayName, note: ChangeNote
  ) async throws -> ProductStanding {
    try await alone {
      guard let known = self.products[name] else { throw self.noProduct(name) }
      try self.checkIsFree(name)
      var products = self.products
      products[name] = nil
      try await self.pipeline.stage(Self.merged(self.file.catalog, products))
      var product = LedgerProduct(name: name, limits: known.words.bytes)
      product.isRemoved = true
      do {
        try await self.ledger.set(product, note: note)
      } catch {
        await self.pipeline.dropStaged()
        throw error
      }
      self.products = products
      await self.pipeline.takeStaged()
      self.tellDoor()
      self.log(note, "RemoveProduct", name.text)
      return known
    }
  }

  /// Whether nothing needs the product any more.
  private func checkIsFree(_ name: GatewayName) throws {
    if file.catalog.product(name.text) != nil {
      throw Self.inUse(
        "PRODUCT_IN_FILE", "The product \(name) stands in the gateway's file.",
        hint: "Take it out there: the gateway takes it back by itself.", name)
    }
    if let key = keyStandings(of: name).first(where: { $0.revokedAt == nil }) {
      // It would open again for whoever has it, were the product made anew.
      throw Self.inUse(
        "PRODUCT_HAS_KEYS", "The product \(name) has keys that open: \(key.id).",
        hint: "assay key revoke \(key.id)", name)
    }
    if let budget = ledger.budgets.first(where: { $0.scope.product == .only(name) }) {
      throw Self.inUse(
        "PRODUCT_HAS_BUDGETS", "The product \(name) has budgets: \(budget.name).",
        hint: "assay budget rm \(budget.name)", name)
    }
    let held = ledger.attemptsHeld(ofProduct: name)
    guard held == 0 else {
      throw Self.inUse(
        "PRODUCT_HELD", "\(held) attempts of the product \(name) are being made.",
        hint: "assay product set \(name) --close; wait for them, and ask again.", name)
    }
  }

  private func check(_ name: GatewayName, _ words: ProductWords) throws(Fault) {
    guard (1...1_000).contains(words.weight) else {
      throw Self.bad("weight", "A weight is from 1 to 1000.")
    }
    for (limit, value) in words.limits where !(1...1_000_000_000_000).contains(value) {
      throw Self.bad("limits.\(limit)", "A limit is above 0; 0 is none.")
    }
    guard words.models.count <= CatalogLimits.entriesMax else {
      throw Self.bad("models", "At most \(CatalogLimits.entriesMax) (entriesMax).")
    }
    for model in words.models where file.catalog.models[model] == nil {
      let near = Spelling.nearest(to: model, among: Array(file.catalog.models.keys))
      throw Self.bad(
        "models", "\(model) is served by nobody here.", hint: near.map { "did you mean \($0)?" })
    }
    guard products[name] != nil || products.count < AccountLimits.productsMax else {
      throw Fault(
        .resourceExhausted, reason: "TOO_MANY_PRODUCTS",
        "There are \(AccountLimits.productsMax) products already (productsMax).")
    }
  }

  static func bad(_ field: String, _ why: String, hint: String? = nil) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_REQUEST", "\(field): \(why)", hint: hint,
      violations: [.init(field: field, description: why)])
  }
}
