import GatewayCatalog
import GatewayProviders
import GatewayValues
import Testing

@Suite struct CatalogReaderTests {
  private func read(_ text: String) throws(CatalogError) -> Catalog {
    try CatalogReader.read(Array(text.utf8), path: "gateway.yaml")
  }

  private func problems(_ text: String) -> [String] {
    do throws(CatalogError) {
      _ = try read(text)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  private static let whole = """
    providers:
      anthropic:
        dialect: anthropic
        url: https://api.anthropic.com
        keys:
          main: {file: /run/secrets/a, requests_per_minute: 1000, concurrency: 20}
          spare: {file: /run/secrets/b}
      house:
        dialect: openai
        url: unix:/run/llm.sock
        internal: true
        schema: tool
        keys: {only: {text: none}}
    models:
      house-7b:
        serve: {house: seven}
        context_tokens: 32000
        output_tokens_max: 4000
        price: {input: 0.05, output: 0.1, version: v3}
      claude-haiku-4-5:
        price: {input: 2, output: 10}
    products:
      demo:
        weight: 3
        models: [house-7b, claude-haiku-4-5-20251001]
        requests_per_minute: 60
        keys: {ci: {file: /run/secrets/demo}}
        budget: {day: 12.50, month: 100, zone: Europe/Berlin}
    """

  @Test func `a file says who answers, what it costs and who may ask`() throws {
    let catalog = try read(Self.whole)
    #expect(catalog.providers.map(\.name) == ["anthropic", "house"])
    #expect(catalog.provider("anthropic")?.keys.first?.limits.concurrency == 20)
    #expect(catalog.provider("house")?.dialects == [.openAIResponses, .openAIChat])
    let card = try #require(catalog.models["house-7b"])
    #expect(card.price.input == NanoDollars(50_000_000))
    #expect(card.priceVersion == "v3")
    let haiku = try #require(catalog.models["claude-haiku-4-5-20251001"])
    #expect(haiku.name == "claude-haiku-4-5")
    #expect(haiku.price.input == NanoDollars(2_000_000_000))
    let product = try #require(catalog.product("demo"))
    #expect(product.weight == 3)
    #expect(product.budgets.map(\.cap) == [NanoDollars(text: "12.5"), NanoDollars(text: "100")])
    #expect(product.budgets.allSatisfy { $0.zone == "Europe/Berlin" })
  }

  @Test func `a model has a way for every key of every provider that speaks the dialect`() throws {
    let catalog = try read(Self.whole)
    let routes = catalog.routes(to: "claude-haiku-4-5", in: .anthropicMessages)
    #expect(routes.map(\.key.name) == ["main", "spare"])
    #expect(routes.first?.bucket == "anthropic/main/haiku-4")
    #expect(catalog.routes(to: "claude-haiku-4-5", in: .openAIChat).isEmpty)
    #expect(catalog.routes(to: "house-7b", in: .openAIChat).map(\.model) == ["seven"])
    #expect(catalog.routes(to: "house-7b", in: nil).map(\.dialect) == [.openAIResponses])
    #expect(catalog.routes(to: "nothing", in: nil).isEmpty)
  }

  @Test func `a model is doubled where there is another way, and nowhere else`() throws {
    func file(_ hedge: String, of model: String = "claude-haiku-4-5") -> String {
      """
      providers:
        anthropic:
          dialect: anthropic
          url: https://api.anthropic.com
          keys: {main: {file: /a}, spare: {file: /b}}
        house: {dialect: openai, url: "https://house", keys: {only: {text: none}}}
      models:
        \(model): {hedge: \(hedge)}
      """
    }
    let known = try read(file("{after: 95%, budget: 5%}")).models["claude-haiku-4-5"]
    #expect(known?.hedge == HedgeRule(after: .percent(95), budgetPercent: 5))
    let timed = try read(file("{after: 1500ms, budget: 100%}")).models["claude-haiku-4-5"]
    #expect(timed?.hedge == HedgeRule(after: .time(.milliseconds(1_500)), budgetPercent: 100))
    #expect(try read(file("{after: 2s, budget: 5%}")).models["claude-opus-5"]?.hedge == nil)
    let alone = problems(file("{after: 2s, budget: 5%}", of: "gpt-5.6-luna"))
    #expect(alone.count == 1 && alone[0].contains("hedge can do nothing"), "\(alone)")
    for wrong in ["{after: 2s}", "{budget: 5%}", "{}", "yes"] {
      #expect(!problems(file(wrong)).isEmpty, "\(wrong)")
    }
    for after in ["2", "0s", "700s", "-1s", "100%", "49%", "2 s", "x%", "2h"] {
      let found = problems(file("{after: \(after), budget: 5%}"))
      #expect(found.count == 1 && found[0].contains("hedge.after"), "\(after): \(found)")
    }
    for budget in ["5", "0%", "101%", "-1%", "2s"] {
      let found = problems(file("{after: 2s, budget: \(budget)}"))
      #expect(found.count == 1 && found[0].contains("hedge.budget"), "\(budget): \(found)")
    }
  }

  @Test func `everything that is wrong is said at once, with its line`() {
    let found = problems(
      """
      providers:
        a b: {}
        x:
          dialct: anthropic
          url: ftp://x
          keys: {k: {requests_per_minute: 0}}
      models:
        m: {serve: nobody, price: {input: -1, output: 5}}
      products:
        p: {models: [claude-haiku-4-6], budget: {day: much}, wieght: 2}
      """)
    for wanted in [
      "gateway.yaml:2: providers: a b is no name",
      "gateway.yaml:4: providers.x.dialct is not known (did you mean dialect?)",
      "providers.x has no dialect", "providers.x.url is not the address of a server",
      "gateway.yaml:6: providers.x.keys.k.requests_per_minute is no whole number from 1",
      "providers.x.keys.k says neither file nor text", "models.m.price.input is no amount",
      "models.m.serve names nobody, which is no provider",
      "models.m needs context_tokens", "products.p.budget.day is no amount",
      "products.p.wieght is not known (did you mean weight?)",
      "products.p.models names claude-haiku-4-6, which has no price",
    ] {
      #expect(found.contains { $0.contains(wanted) }, "\(wanted)\n\(found)")
    }
  }

  @Test(arguments: ["", "[]", "7", "providers: 7", "providers: {", "\u{0}"])
  func `what is no file of ours is refused`(text: String) {
    #expect(!problems(text).isEmpty)
  }

  @Test func `the list of prices is the providers' own`() throws {
    let all = ProviderFamily.allCases.flatMap { KnownModels.cards(of: $0) }
    let names = all.flatMap { [$0.name] + $0.aliases }
    #expect(Set(names).count == names.count)
    for card in all {
      #expect(card.price.isCredible)
      #expect(card.price.cacheRead < card.price.input)
      #expect(card.bounds.contextTokens > card.bounds.outputTokensMax)
    }
    let opus = try #require(all.first { $0.name == "claude-opus-5" })
    // $5 in, $25 out; 1.25×, 2× and 0.1× for writes and reads.
    #expect(opus.price.input.description == "$5.00")
    #expect(opus.price.cacheWriteShort.description == "$6.25")
    #expect(opus.price.cacheWriteLong.description == "$10.00")
    #expect(opus.price.cacheRead.description == "$0.50")
    let luna = try #require(all.first { $0.name == "gpt-5.6-luna" })
    #expect(luna.price.cacheRead.description == "$0.02")
  }
}
