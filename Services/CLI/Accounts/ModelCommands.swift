import Console
import GatewayContract
import RPC
package import ToolContext

/// `assay model ls` and `price`.
package enum ModelCommands {
  package static let list = Command(
    "model ls", "list models, who serves them and what they cost now",
    flags: AccountService.flags
  ) { context in
    let models = try await AccountService.asking(context) { service in
      try await service.gateway.listModels(ListModelsRequest(), options: service.options).models
    }
    if context.terminal.isJSON {
      let json = AccountJSON()
      for model in models { context.terminal.line(json.value(of: model)) }
      return .success
    }
    var table = TextTable(
      ["model", "served by", "context", "output", "$/M in", "$/M out", "price"],
      right: [2, 3, 4, 5])
    for model in models {
      let price = model.price ?? Price()
      table.add([
        model.name, model.providers.joined(separator: " "), String(model.contextTokens),
        String(model.outputTokensMax), AccountText.money(price.inputNanos),
        AccountText.money(price.outputNanos), price.version,
      ])
    }
    context.terminal.table(table, isEmpty: models.isEmpty, "no model is served")
    return .success
  }

  private static let priceFlags = [
    Flag("input", value: "DOLLARS", "for a million tokens that go in"),
    Flag("output", value: "DOLLARS", "for a million tokens that come out"),
    Flag("cache-read", value: "DOLLARS", "for a million read from the provider's cache"),
    Flag("cache-write", value: "DOLLARS", "for a million written into it for minutes"),
    Flag("cache-write-long", value: "DOLLARS", "for a million written into it for an hour"),
    Flag("batch-percent", value: "COUNT", "of a call in a batch, in percent of one alone"),
  ]

  package static let price = Command(
    "model price", "show the prices of a model, or say what it costs from now on",
    operands: Operands("MODEL", count: 1...1),
    flags: AccountService.flags + priceFlags + [
      Flag("from", value: "TIME", "from then on: a day or a time in the future; now unless given"),
      Flag("version", value: "NAME", "what lines call this price; made up unless given"),
    ],
    details: """
      Without an amount it lists all prices, the oldest first. What no flag names stays as it is.
      A price is added, never changed: every call keeps the one it was made at.
      """,
    examples: [
      "assay model price claude-haiku-4-5",
      "assay model price claude-haiku-4-5 --input 1.10 --output 5.50 --from 2027-01-01",
    ]
  ) { context in
    let model = context.operands[0]
    let isChange = (priceFlags.map(\.name) + ["from", "version"]).contains(
      where: context.invocation.has)
    let prices = try await AccountService.asking(context) { service in
      let request = ListPricesRequest(model: model)
      let known = try await service.account.listPrices(request, options: service.options).prices
      guard isChange else { return known }
      let order = try changed(try await current(known, service), context)
      return [
        try await service.account.setPrice(
          ModelPrice(model: model, price: order), options: service.options)
      ]
    }
    show(prices, context.terminal)
    return .success
  }

  /// The price that holds now, by the gateway's clock: of all models it tells that one first.
  private static func current(
    _ known: [ModelPrice], _ service: AccountService
  ) async throws -> Price {
    let all = try await service.account.listPrices(ListPricesRequest(), options: service.options)
    return all.prices.first { $0.model == known.first?.model }?.price ?? Price()
  }

  private static func changed(
    _ price: Price, _ context: CommandContext
  ) throws(UsageError) -> Price {
    var price = price
    func amount(_ flag: String) throws(UsageError) -> Int64? {
      guard let text = context.invocation.value(flag) else { return nil }
      return try AccountText.amount(text, "--\(flag)", context)
    }
    if let nanos = try amount("input") { price.inputNanos = nanos }
    if let nanos = try amount("output") { price.outputNanos = nanos }
    if let nanos = try amount("cache-read") { price.cacheReadNanos = nanos }
    if let nanos = try amount("cache-write") { price.cacheWriteNanos = nanos }
    if let nanos = try amount("cache-write-long") { price.cacheWriteLongNanos = nanos }
    if let percent = try AccountText.count("batch-percent", 1...100, context) {
      price.batchPercent = UInt32(clamping: percent)
    }
    price.version = context.invocation.value("version") ?? ""
    price.fromMs = try AccountText.moment("from", context)
    return price
  }

  private static func show(_ prices: [ModelPrice], _ terminal: Terminal) {
    if terminal.isJSON {
      let json = AccountJSON()
      for price in prices { terminal.line(json.value(of: price)) }
      return
    }
    var table = TextTable(
      [
        "model", "from", "$/M in", "$/M out", "read", "write", "write 1h", "batch", "version", "by",
      ],
      right: [2, 3, 4, 5, 6, 7])
    for entry in prices {
      let price = entry.price ?? Price()
      table.add([
        entry.model, AccountText.moment(price.fromMs), AccountText.money(price.inputNanos),
        AccountText.money(price.outputNanos), AccountText.money(price.cacheReadNanos),
        AccountText.money(price.cacheWriteNanos), AccountText.money(price.cacheWriteLongNanos),
        "\(price.batchPercent)%", price.version, entry.origin,
      ])
    }
    terminal.table(table, isEmpty: prices.isEmpty, "no price")
  }
}
