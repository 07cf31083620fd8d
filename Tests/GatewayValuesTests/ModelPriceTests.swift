import GatewayValues
import TestSupport
import Testing

@Suite struct ModelPriceTests {
  /// $5 in, $25 out, writes 1.25× and 2×, reads 0.1×, half in batches.
  private let price = ModelPrice(
    input: NanoDollars(5_000_000_000), output: NanoDollars(25_000_000_000),
    cacheRead: NanoDollars(500_000_000), cacheWriteShort: NanoDollars(6_250_000_000),
    cacheWriteLong: NanoDollars(10_000_000_000), batchPercent: 50)

  @Test func `every kind has its price, and reasoning is output`() {
    let usage = TokenUsage(
      freshInput: 50, cacheRead: 98_000, cacheWriteShort: 100, cacheWriteLong: 10, output: 200,
      reasoning: 10)
    let nanos: Int64 = 50 * 5_000 + 98_000 * 500 + 100 * 6_250 + 10 * 10_000 + 210 * 25_000
    #expect(price.cost(of: usage) == NanoDollars(nanos))
    #expect(price.cost(of: usage, isBatched: true) == NanoDollars(nanos / 2))
  }

  @Test func `a fraction of a nano-dollar is rounded up once for the call`() {
    let cheap = ModelPrice(input: NanoDollars(1), output: NanoDollars(1))
    #expect(cheap.cost(of: TokenUsage()) == .zero)
    #expect(cheap.cost(of: TokenUsage(freshInput: 1, output: 1)) == NanoDollars(1))
    #expect(cheap.cost(of: TokenUsage(freshInput: 500_000, output: 500_001)) == NanoDollars(2))
  }

  @Test func `ten criteria over one prefix save what the contract says`() throws {
    let prefix: Int64 = 100_000
    let leader = try #require(price.cost(of: TokenUsage(cacheWriteShort: prefix)))
    let follower = try #require(price.cost(of: TokenUsage(cacheRead: prefix)))
    let alone = try #require(price.cost(of: TokenUsage(freshInput: prefix)))
    #expect((leader.count + 9 * follower.count) * 100 == 215 * alone.count)
  }

  @Test func `more input than the surcharge allows makes the whole call dearer`() {
    var long = price
    long.surcharge = LongContextSurcharge(inputTokensAbove: 272_000, percent: 200)
    let within = TokenUsage(freshInput: 272_000, output: 1)
    let beyond = TokenUsage(freshInput: 272_000, cacheRead: 1, output: 1)
    #expect(long.cost(of: within) == price.cost(of: within))
    #expect(long.cost(of: beyond)?.count == (price.cost(of: beyond)?.count).map { $0 * 2 })
  }

  @Test(arguments: [
    TokenUsage(freshInput: -1), TokenUsage(output: .max), TokenUsage(cacheRead: 1 << 41),
    TokenUsage(webSearches: 1),
  ])
  func `what cannot be priced has no price`(usage: TokenUsage) {
    #expect(price.cost(of: usage) == nil)
  }

  @Test func `no usage within a bound costs more than the bound`() throws {
    var random = SeededRandom("usage within a bound")
    let bound = CallBound(inputTokensMax: 10_000, outputTokensMax: 500)
    let most = try #require(price.bound(bound))
    for _ in 0..<2_000 {
      var rest = bound.inputTokensMax
      func share() -> Int64 {
        let part = Int64.random(in: 0...rest, using: &random)
        rest -= part
        return part
      }
      let usage = TokenUsage(
        freshInput: share(), cacheRead: share(), cacheWriteShort: share(),
        cacheWriteLong: share(), output: .random(in: 0...500, using: &random))
      let cost = try #require(price.cost(of: usage))
      #expect(cost <= most, "\(usage)")
    }
  }

  @Test func `a price holds from its moment on, and the past keeps its own`() {
    var table = PriceTable()
    let first = PriceTable.Entry(price, fromMilliseconds: 100, version: "a")
    var dearer = price
    dearer.input = NanoDollars(6_000_000_000)
    let second = PriceTable.Entry(dearer, fromMilliseconds: 200, version: "b")
    table.set(second, for: "m")
    table.set(first, for: "m")
    #expect(table.entry(for: "m", atMilliseconds: 99) == nil)
    #expect(table.entry(for: "m", atMilliseconds: 199) == first)
    #expect(table.entry(for: "m", atMilliseconds: 200) == second)
    #expect(table.entry(for: "other", atMilliseconds: 200) == nil)
  }
}
