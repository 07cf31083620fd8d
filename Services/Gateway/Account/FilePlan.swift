import GatewayBudgets
import GatewayCatalog
import GatewayValues
import LedgerFile

/// What a file says anew: only what it says otherwise than the last file did. What somebody has
/// changed through the service since stays, until the file speaks of it again; what the file
/// leaves out that it said before, it takes back.
struct FilePlan: Sendable {
  struct PricePlan: Sendable {
    let model: GatewayName
    let version: GatewayName
    let price: ModelPrice
  }

  var budgets: [Budget] = []
  var budgetsTakenBack: [GatewayName] = []
  var prices: [PricePlan] = []
  var products: [GatewayName: ProductWords] = [:]
  var productsTakenBack: [GatewayName] = []

  init(_ catalog: Catalog, _ history: History) {
    planBudgets(catalog, history.budgets)
    planPrices(catalog, history.prices)
    planProducts(catalog, history.products)
  }

  /// All that was ever said, in its order.
  struct History: Sendable {
    let budgets: [BudgetVersion]
    let prices: [PriceVersion]
    let products: [ProductVersion]
  }

  // MARK: - Budgets

  private mutating func planBudgets(_ catalog: Catalog, _ versions: [BudgetVersion]) {
    var told: [GatewayName: BudgetVersion] = [:]
    var current: [GatewayName: BudgetVersion] = [:]
    for version in versions {
      current[version.budget.name] = version
      if version.origin == .file { told[version.budget.name] = version }
    }
    var named: Set<GatewayName> = []
    for product in catalog.products {
      for entry in product.budgets {
        guard let owner = GatewayName(product.name),
          let name = GatewayName("\(product.name)/\(entry.period.rawValue)")
        else { continue }
        named.insert(name)
        let budget = Budget(
          name, scope: BudgetScope(product: .only(owner)), period: BudgetPeriod(entry.period),
          zone: entry.zone, cap: entry.cap)
        let last = told[name]
        if last?.isRemoved == false, last?.budget == budget { continue }
        budgets.append(budget)
      }
    }
    budgetsTakenBack = told.values.filter {
      !$0.isRemoved && !named.contains($0.budget.name)
        && current[$0.budget.name]?.isRemoved == false
    }.map(\.budget.name).sorted()
  }

  // MARK: - Prices

  private mutating func planPrices(_ catalog: Catalog, _ versions: [PriceVersion]) {
    var told: [String: ModelPrice] = [:]
    var known: [String: Set<String>] = [:]
    for version in versions {
      known[version.model, default: []].insert(version.entry.version)
      if version.origin == .file { told[version.model] = version.entry.price }
    }
    for card in catalog.cards where told[card.name] != card.price {
      guard let model = GatewayName(card.name),
        let version = Self.version(card.priceVersion, unlike: known[card.name] ?? [])
      else { continue }
      prices.append(PricePlan(model: model, version: version, price: card.price))
    }
  }

  /// A version's name once more is another's: lines tell a price by it.
  static func version(_ wanted: String, unlike known: Set<String>) -> GatewayName? {
    guard known.contains(wanted) else { return GatewayName(wanted) }
    for number in 2...(known.count + 2) where !known.contains("\(wanted).\(number)") {
      return GatewayName("\(wanted).\(number)")
    }
    return nil
  }

  // MARK: - Products

  private mutating func planProducts(_ catalog: Catalog, _ versions: [ProductVersion]) {
    var told: [GatewayName: ProductVersion] = [:]
    for version in versions where version.origin == .file { told[version.product.name] = version }
    var named: Set<GatewayName> = []
    for entry in catalog.products {
      guard let name = GatewayName(entry.name) else { continue }
      named.insert(name)
      let words = ProductWords(entry)
      if let last = told[name]?.product, !last.isRemoved, last.limits == words.bytes { continue }
      products[name] = words
    }
    productsTakenBack = told.values.filter {
      !$0.product.isRemoved && !named.contains($0.product.name)
    }.map(\.product.name).sorted()
  }
}

extension BudgetPeriod {
  init(_ period: BudgetEntry.Period) {
    self =
      switch period {
      case .total: .total
      case .day: .day
      case .month: .month
      }
  }

  var word: String {
    switch self {
    case .total: "total"
    case .day: "day"
    case .month: "month"
    }
  }
}
