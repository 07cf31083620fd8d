import GatewayLimits
import GatewayPacing
import TestSupport

/// What happens in one simulated world, all of it from one seed.
struct DeskPlan {
  struct Arrival {
    var at: Double
    var call: Call
    var lasts: Double
    /// How long the request is on its way to the provider.
    var delay: Double
    var usage: TokenUsage
    var outcome: CallOutcome
    var cancelAt: Double?
    /// Given back without being sent.
    var isReleased = false
  }

  var configuration: DeskConfiguration
  var arrivals: [Arrival] = []
  /// New limits at a time.
  var reloads: [(at: Double, DeskConfiguration)] = []
  let seed: UInt64

  /// A mixed world: random limits at every scope, sizes, durations, delays, faults.
  init(seed: UInt64, guardMargin: Double = 2) {
    self.seed = seed
    var random = SeededRandom(seed: seed)
    configuration = Self.configuration(guardMargin, &random)
    let rate = Double.random(in: 0.5...8, using: &random)
    let failing = Bool.random(using: &random) ? 0 : Double.random(in: 0...0.2, using: &random)
    let sizeMost = Int64.random(in: 10...400, using: &random)
    var now = 0.0
    for id in UInt64(1)...UInt64(Int.random(in: 20...220, using: &random)) {
      now += Double.random(in: 0...2 / rate, using: &random)
      arrivals.append(
        arrival(id, at: now, sizeMost: sizeMost, failing: failing, guardMargin, &random))
    }
    if Bool.random(using: &random) {
      var other = Self.configuration(guardMargin, &random)
      other.policy = configuration.policy
      reloads = [(now * Double.random(in: 0...1, using: &random), merged(other))]
    }
  }

  /// Limits that only grow tighter cannot be checked against what was admitted before: the
  /// checker takes the loosest limit there ever was, so reloads only loosen.
  private func merged(_ other: DeskConfiguration) -> DeskConfiguration {
    var looser = configuration
    for index in looser.products.indices {
      looser.products[index].limits.requestsPerMinute.double()
      looser.products[index].limits.inputTokensPerMinute.double()
      looser.products[index].weight = other.products[index].weight
    }
    for index in looser.buckets.indices { looser.buckets[index].limits.requestsPerMinute.double() }
    return looser
  }

  private static func limits(_ random: inout SeededRandom) -> ScopeLimits {
    func some(_ range: ClosedRange<Int64>) -> Int64? {
      Int.random(in: 0..<3, using: &random) == 0 ? Int64.random(in: range, using: &random) : nil
    }
    return ScopeLimits(
      requestsPerMinute: some(3...60), inputTokensPerMinute: some(400...6_000),
      outputTokensPerMinute: some(400...6_000), callsPerHour: some(10...100),
      concurrency: some(1...12))
  }

  private static func configuration(_ guardMargin: Double, _ random: inout SeededRandom)
    -> DeskConfiguration
  {
    let laws: [CountingLaw] = [.own, .anthropic, .openAI]
    let products = (0..<3).map {
      DeskConfiguration.Product(
        name: "p\($0)", limits: limits(&random), weight: Int.random(in: 1...4, using: &random))
    }
    let keys = (0..<2).map { DeskConfiguration.Key(name: "k\($0)", limits: limits(&random)) }
    let buckets = (0..<2).map { index in
      DeskConfiguration.Bucket(
        name: "b\(index)", limits: limits(&random),
        policy: BucketPolicy(law: laws.randomElement(using: &random) ?? .own))
    }
    let routes = (0..<4).map {
      Route(
        name: "r\($0)", provider: "v\($0 % 2)", key: "k\($0 / 2)", bucket: "b\($0 % 2)",
        modelClass: "m")
    }
    let policy = DeskPolicy(
      times: LimitTimes(guardMargin: .seconds(guardMargin)), waitingMax: 60,
      waitingPerProductMax: 40, waitMost: .seconds(Int.random(in: 30...400, using: &random)),
      headWait: .seconds(Int.random(in: 5...40, using: &random)))
    return DeskConfiguration(
      products: products, keys: keys, buckets: buckets, routes: routes, policy: policy)
  }

  private func arrival(
    _ id: UInt64, at now: Double, sizeMost: Int64, failing: Double, _ guardMargin: Double,
    _ random: inout SeededRandom
  ) -> Arrival {
    let input = Int64.random(in: 0...sizeMost, using: &random)
    let cached = Bool.random(using: &random) ? 0 : Int64.random(in: 0...input, using: &random)
    let need = CallNeed(
      input: input, cachedInput: cached, output: Int64.random(in: 0...sizeMost, using: &random))
    let names = (0..<4).map { "r\($0)" }.shuffled(using: &random)
    let failovers: [Failover] = [.allowed, .withinProvider, .forbidden]
    let patience = Double.random(in: 0...200, using: &random)
    let call = Call(
      id: id, product: "p\(Int.random(in: 0..<3, using: &random))",
      run: Bool.random(using: &random) ? "" : "run\(Int.random(in: 0..<6, using: &random))",
      priority: Bool.random(using: &random) ? .batch : .interactive,
      routes: Array(names.prefix(Int.random(in: 1...4, using: &random))),
      failover: failovers.randomElement(using: &random) ?? .allowed, need: need,
      startBy: Bool.random(using: &random) ? nil : GatewayLimitsTests.at(now + patience))
    let fresh = Int64.random(in: 0...(input - cached), using: &random)
    let hasFailed = Double.random(in: 0...1, using: &random) < failing
    return Arrival(
      at: now, call: call, lasts: Double.random(in: 0.1...40, using: &random),
      delay: Double.random(in: 0...2, using: &random),
      usage: hasFailed
        ? .zero
        : TokenUsage(
          freshInput: fresh, cacheRead: Int64.random(in: 0...cached, using: &random),
          output: Int64.random(in: 0...need.output, using: &random)),
      outcome: hasFailed ? fault(&random) : .succeeded,
      cancelAt: Int.random(in: 0..<8, using: &random) == 0
        ? now + Double.random(in: 0...30, using: &random) : nil,
      isReleased: Int.random(in: 0..<20, using: &random) == 0)
  }

  private func fault(_ random: inout SeededRandom) -> CallOutcome {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: .rateLimited(retryAfter: .seconds(Int.random(in: 0...20, using: &random)))
    case 1: .rateLimited(retryAfter: nil)
    case 2: .overloaded(retryAfter: nil)
    case 3: .rejected
    case 4: .abandoned
    default: .broken
    }
  }
}

extension Optional where Wrapped == Int64 {
  fileprivate mutating func double() { self = map { $0 * 2 } }
}
