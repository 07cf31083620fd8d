import Faults
import GatewayAccount
import GatewayBudgets
import GatewayContract
import GatewayLedger
import GatewayValues
import LedgerFile
import RPC
import ScoreContract

/// assay.gateway.v1.Account over the book and the ledger.
struct AccountHandlers: AccountServer {
  let book: AccountBook
  let ledger: Ledger

  // MARK: - Budgets

  func listBudgets(
    _ request: ListBudgetsRequest, context: ServerContext
  ) async throws -> ListBudgetsResponse {
    let scope = try AccountAccess(context).budgets(request.scope)
    var response = ListBudgetsResponse()
    response.budgets = try await book.standings(within: scope).map { GatewayContract.Budget($0) }
    return response
  }

  func setBudget(
    _ request: SetBudgetRequest, context: ServerContext
  ) async throws -> GatewayContract.Budget {
    let access = try AccountAccess(context)
    let scope = try access.budgets(request.scope)
    guard let period = BudgetPeriod(request.period) else {
      throw AccountAccess.bad("period", "It is none of TOTAL, DAY and MONTH.")
    }
    guard request.capNanos >= 0 else { throw AccountAccess.bad("cap_nanos", "It is below 0.") }
    let made = try await book.setBudget(
      scope, period, zone: request.timeZone, cap: NanoDollars(request.capNanos),
      note: access.note)
    return GatewayContract.Budget(made)
  }

  func removeBudget(
    _ request: RemoveBudgetRequest, context: ServerContext
  ) async throws -> GatewayContract.Budget {
    let access = try AccountAccess(context)
    let name = try AccountAccess.required(request.id, "id")
    return GatewayContract.Budget(
      try await book.removeBudget(name, of: access.product, note: access.note))
  }

  // MARK: - Spending

  func getSpend(
    _ request: GetSpendRequest, context: ServerContext
  ) async throws -> GetSpendResponse {
    let filter = try AccountAccess(context).attempts(
      request.scope, from: request.fromMs, to: request.toMs)
    var response = GetSpendResponse()
    if request.group != .unspecified {
      guard let grouping = SpendGrouping(request.group) else {
        throw AccountAccess.bad("group", "There is no such group.")
      }
      response.rows = try await ledger.summary(by: grouping, filter).map {
        Spend($0, isDay: grouping == .day)
      }
    }
    let total = try await ledger.summary(by: nil, filter).first ?? SpendSummary()
    response.total = Spend(total, isDay: false)
    return response
  }

  func getCaching(
    _ request: GetCachingRequest, context: ServerContext
  ) async throws -> GetCachingResponse {
    let filter = try AccountAccess(context).attempts(
      request.scope, from: request.fromMs, to: request.toMs)
    let found = try await ledger.caching(filter)
    var total = CachingSummary()
    for row in found { total.add(row) }
    return GetCachingResponse(rows: found.map { Caching($0) }, total: Caching(total))
  }

  func listLines(
    _ request: ListLinesRequest, context: ServerContext
  ) async throws -> ListLinesResponse {
    var filter = try AccountAccess(context).attempts(
      request.scope, from: request.fromMs, to: request.toMs)
    filter.isUncertainOnly = request.isUncertainOnly
    if !request.callKey.isEmpty {
      guard CallKey(request.callKey) != nil else { throw CallReading.badKey }
      filter.callKey = request.callKey
    }
    guard request.pageSize <= LedgerLimits.pageMax else {
      throw AccountAccess.bad("page_size", "At most \(LedgerLimits.pageMax) (pageMax).")
    }
    filter.countMax = request.pageSize == 0 ? 100 : Int(request.pageSize)
    if !request.pageToken.isEmpty {
      guard let before = Int64(request.pageToken), before > 0 else {
        throw AccountAccess.bad("page_token", "It is not one that was given.")
      }
      filter.before = before
    }
    let found = try await ledger.attempts(filter)
    var response = ListLinesResponse()
    response.lines = found.map { GatewayContract.LedgerLine($0) }
    if found.count == filter.countMax, let last = found.last, last.line.number > 1 {
      response.nextPageToken = String(last.line.number)
    }
    return response
  }

  func resolveLine(
    _ request: ResolveLineRequest, context: ServerContext
  ) async throws -> GatewayContract.LedgerLine {
    let access = try AccountAccess(context)
    let resolved = try await book.resolve(
      request.attemptId, cost: NanoDollars(request.costNanos), evidence: request.evidence,
      note: access.note)
    return GatewayContract.LedgerLine(resolved)
  }

  // MARK: - Products and keys

  func listProducts(
    _ request: ListProductsRequest, context: ServerContext
  ) async throws -> ListProductsResponse {
    let own = try AccountAccess(context).product
    var response = ListProductsResponse()
    response.products = await book.productStandings()
      .filter { own == nil || $0.name == own }
      .map { Product($0.name, $0.standing) }
    return response
  }

  func setProduct(_ request: Product, context: ServerContext) async throws -> Product {
    let access = try AccountAccess(context)
    let name = try AccountAccess.required(request.name, "name")
    let standing = try await book.setProduct(name, ProductWords(request), note: access.note)
    return Product(name, standing)
  }

  func removeProduct(
    _ request: RemoveProductRequest, context: ServerContext
  ) async throws -> Product {
    let access = try AccountAccess(context)
    let name = try AccountAccess.required(request.name, "name")
    return Product(name, try await book.removeProduct(name, note: access.note))
  }

  func createKey(
    _ request: CreateKeyRequest, context: ServerContext
  ) async throws -> CreateKeyResponse {
    let access = try AccountAccess(context)
    let (key, secret) = try await book.createKey(
      AccountAccess.required(request.product, "product"),
      AccountAccess.required(request.name, "name"), note: access.note)
    return CreateKeyResponse(key: Key(key), secret: secret)
  }

  func revokeKey(_ request: RevokeKeyRequest, context: ServerContext) async throws -> Key {
    let access = try AccountAccess(context)
    return Key(try await book.revokeKey(request.id, note: access.note))
  }

  func listKeys(
    _ request: ListKeysRequest, context: ServerContext
  ) async throws -> ListKeysResponse {
    let product = try AccountAccess.name(request.product, "product")
    return ListKeysResponse(keys: await book.keyStandings(of: product).map { Key($0) })
  }

  // MARK: - Prices

  func listPrices(
    _ request: ListPricesRequest, context: ServerContext
  ) async throws -> ListPricesResponse {
    let versions = try await book.prices(of: request.model.isEmpty ? nil : request.model)
    return ListPricesResponse(prices: versions.map { GatewayContract.ModelPrice($0) })
  }

  func setPrice(
    _ request: GatewayContract.ModelPrice, context: ServerContext
  ) async throws -> GatewayContract.ModelPrice {
    let access = try AccountAccess(context)
    guard let price = request.price else { throw AccountAccess.bad("price", "There is none.") }
    guard price.fromMs >= 0 else { throw AccountAccess.bad("price.from_ms", "It is below 0.") }
    var order = AccountBook.PriceOrder(try GatewayValues.ModelPrice(price))
    order.model = request.model
    order.batchPercent = Int64(price.batchPercent)
    order.version = price.version
    order.fromMilliseconds = price.fromMs
    return GatewayContract.ModelPrice(try await book.setPrice(order, note: access.note))
  }
}
