import Console
import GatewayContract
import RPC
package import ToolContext

/// `assay product ls`, `set` and `rm`.
package enum ProductCommands {
  package static let list = Command(
    "product ls", "list products, what they may ask and how much", flags: AccountService.flags
  ) { context in
    let products = try await AccountService.asking(context) { service in
      try await service.account.listProducts(ListProductsRequest(), options: service.options)
        .products
    }
    show(products, context.terminal)
    return .success
  }

  private static let limitFlags = [
    ("requests-per-minute", "calls in a minute"),
    ("input-tokens-per-minute", "tokens that go in, in a minute"),
    ("output-tokens-per-minute", "tokens that come out, in a minute"),
    ("concurrency", "calls at once"), ("requests-per-hour", "calls in an hour"),
  ]

  package static let set = Command(
    "product set", "make a product, or change what is named of one",
    operands: Operands("NAME", count: 1...1),
    flags: AccountService.flags + [
      Flag("weight", value: "COUNT", "its share where products wait for each other, 1 to 1000"),
      Flag("model", value: "NAME", repeats: true, "a model it may ask; these and no other"),
      Flag("all-models", "it may ask all that have a price"),
      Flag("close", "refuse its calls"), Flag("open", "let its calls in again"),
    ] + limitFlags.map { Flag($0.0, value: "COUNT", "\($0.1); 0 for no limit") },
    details: "What no flag names stays as it is. It holds from the next call on.",
    examples: [
      "assay product set lab --weight 3 --concurrency 8 --model claude-haiku-4-5",
      "assay product set lab --close",
    ]
  ) { context in
    let name = context.operands[0]
    for (one, other) in [("close", "open"), ("model", "all-models")]
    where context.invocation.has(one) && context.invocation.has(other) {
      throw UsageError("--\(one) and --\(other) say the opposite", verb: "product set")
    }
    let change = try change(context)
    let made = try await AccountService.asking(context) { service in
      let known = try await service.account.listProducts(
        ListProductsRequest(), options: service.options
      ).products.first { $0.name == name }
      var product = known ?? Product(name: name)
      change(&product)
      return try await service.account.setProduct(product, options: service.options)
    }
    show([made], context.terminal)
    return .success
  }

  package static let remove = Command(
    "product rm", "take a product away", operands: Operands("NAME", count: 1...1),
    flags: AccountService.flags,
    details: """
      Its lines stay in the ledger. Its keys are revoked and its budgets removed before; a product
      of the gateway's file is taken out there.
      """,
    examples: ["assay product rm lab"]
  ) { context in
    let request = RemoveProductRequest(name: context.operands[0])
    let removed = try await AccountService.asking(context) { service in
      try await service.account.removeProduct(request, options: service.options)
    }
    if context.terminal.isJSON {
      context.terminal.line(AccountJSON().value(of: removed))
    } else {
      context.terminal.line("\(removed.name)  removed")
    }
    return .success
  }

  /// What the flags say of a product.
  private static func change(
    _ context: CommandContext
  ) throws(UsageError) -> @Sendable (inout Product) -> Void {
    let invocation = context.invocation
    let weight = try AccountText.count("weight", 1...1_000, context)
    var counts: [Int64?] = []
    for (flag, _) in limitFlags {
      counts.append(try AccountText.count(flag, 0...1_000_000_000_000, context))
    }
    let (models, limits) = (invocation.values("model"), counts)
    let (isClosed, isOpened) = (invocation.has("close"), invocation.has("open"))
    let takesAll = invocation.has("all-models")
    return { product in
      if let weight { product.weight = UInt32(clamping: weight) }
      if !models.isEmpty { product.models = models }
      if takesAll { product.models = [] }
      if isClosed || isOpened { product.isClosed = isClosed }
      var own = product.limits ?? CallLimits()
      if let count = limits[0] { own.requestsPerMinute = count }
      if let count = limits[1] { own.inputTokensPerMinute = count }
      if let count = limits[2] { own.outputTokensPerMinute = count }
      if let count = limits[3] { own.concurrency = count }
      if let count = limits[4] { own.requestsPerHour = count }
      product.limits = own
    }
  }

  private static func show(_ products: [Product], _ terminal: Terminal) {
    if terminal.isJSON {
      let json = AccountJSON()
      for product in products { terminal.line(json.value(of: product)) }
      return
    }
    var table = TextTable(
      [
        "product", "state", "weight", "calls/min", "in/min", "out/min", "at once", "calls/h", "by",
        "models",
      ],
      right: [2, 3, 4, 5, 6, 7])
    for product in products {
      let limits = product.limits ?? CallLimits()
      let counts = [
        limits.requestsPerMinute, limits.inputTokensPerMinute, limits.outputTokensPerMinute,
        limits.concurrency, limits.requestsPerHour,
      ].map { $0 == 0 ? "-" : String($0) }
      table.add(
        [product.name, product.isClosed ? "closed" : "open", String(product.weight)] + counts
          + [
            product.origin, product.models.isEmpty ? "all" : product.models.joined(separator: " "),
          ]
      )
    }
    terminal.table(
      table, isEmpty: products.isEmpty, "no product; any may call until one is made")
  }
}
