import Faults
import GRPCFormat
import GatewayBudgets
import GatewayContract
import GatewayPipeline
import GatewayValues
import LedgerFile
import RPC

/// Whose accounts a caller may see and change: one product's, or, of whoever works at the machine
/// and speaks for no product, all.
struct AccountAccess {
  /// nil: all.
  let product: GatewayName?
  let note: ChangeNote

  init(_ context: ServerContext) throws(Fault) {
    let isOperator = context.peer.names.contains(PeerIdentity.operatorName)
    let speaksForOne = context.metadata["assay-product"] != nil
    product = isOperator && !speaksForOne ? nil : try CallReading.product(of: context)
    note = ChangeNote(.account, actor: context.peer.label)
  }

  // MARK: - Scopes

  /// A budget's scope, within what the caller may see; `*` is each.
  func budgets(_ scope: GatewayContract.BudgetScope?) throws(Fault) -> GatewayBudgets.BudgetScope {
    let scope = scope ?? GatewayContract.BudgetScope()
    var parts = GatewayBudgets.BudgetScope(
      product: try Self.part(scope.product, "scope.product"),
      key: try Self.part(scope.key, "scope.key"),
      run: try Self.part(scope.runId, "scope.run_id"),
      model: try Self.part(scope.model, "scope.model"))
    guard let product else { return parts }
    guard parts.product == .any || parts.product == .only(product) else { throw Self.foreign }
    parts.product = .only(product)
    return parts
  }

  /// The attempts of a scope, within what the caller may see.
  func attempts(
    _ scope: GatewayContract.BudgetScope?, from: Int64, to: Int64
  ) throws(Fault) -> AttemptFilter {
    let scope = scope ?? GatewayContract.BudgetScope()
    var filter = AttemptFilter()
    filter.product = try Self.name(scope.product, "scope.product")
    filter.key = try Self.name(scope.key, "scope.key")
    filter.run = try Self.name(scope.runId, "scope.run_id")
    filter.model = try Self.name(scope.model, "scope.model")
    guard from >= 0, to >= 0, to == 0 || from <= to else {
      throw Self.bad("from_ms", "It is below 0, or behind to_ms.")
    }
    if from > 0 || to > 0 { filter.ended = from..<(to == 0 ? .max : to) }
    guard let product else { return filter }
    guard filter.product == nil || filter.product == product else { throw Self.foreign }
    filter.product = product
    return filter
  }

  // MARK: - Names

  /// nil where there is none.
  static func name(_ text: String, _ field: String) throws(Fault) -> GatewayName? {
    if text.isEmpty { return nil }
    guard let name = GatewayName(text) else { throw badName(field) }
    return name
  }

  static func required(_ text: String, _ field: String) throws(Fault) -> GatewayName {
    guard let name = GatewayName(text) else { throw badName(field) }
    return name
  }

  private static func part(
    _ text: String, _ field: String
  ) throws(Fault) -> GatewayBudgets.BudgetScope.Part {
    switch text {
    case "": .any
    case "*": .each
    default: .only(try required(text, field))
    }
  }

  private static func badName(_ field: String) -> Fault {
    bad(field, "A name has 1 to 128 of letters, digits and . _ - : / @.")
  }

  static func bad(_ field: String, _ why: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_REQUEST", "\(field): \(why)",
      violations: [.init(field: field, description: why)])
  }

  /// The same whether there is such a product or not.
  private static let foreign = Fault(
    .permissionDenied, reason: "OTHER_PRODUCT", "A product sees and changes its own accounts only.")
}
