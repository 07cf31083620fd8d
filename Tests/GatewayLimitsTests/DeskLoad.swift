import GatewayLimits
import GatewayPacing
import TestSupport

/// Worlds with more demand than there is room, to see how the room is used and shared.
enum DeskLoad {
  struct Source {
    var product: String
    var perSecond: Double
    var input: Int64
    var output: Int64 = 0
    var lasts = 2.0
    var priority = CallPriority.batch
    var run = ""
  }

  static func plan(
    _ sources: [Source], _ configuration: DeskConfiguration, seconds: Double, seed: UInt64 = 1,
    routes: [String] = ["r"]
  ) -> DeskPlan {
    var random = SeededRandom(seed: seed)
    var plan = DeskPlan(seed: seed)
    plan.configuration = configuration
    plan.reloads = []
    plan.arrivals = []
    for source in sources {
      var now = Double.random(in: 0...(1 / source.perSecond), using: &random)
      while now < seconds {
        let need = CallNeed(input: source.input, output: source.output)
        plan.arrivals.append(
          DeskPlan.Arrival(
            at: now,
            call: Call(
              id: UInt64(plan.arrivals.count + 1), product: source.product, run: source.run,
              priority: source.priority, routes: routes, need: need),
            lasts: source.lasts * Double.random(in: 0.5...1.5, using: &random),
            delay: Double.random(in: 0...2, using: &random),
            usage: TokenUsage(freshInput: source.input, output: source.output),
            outcome: .succeeded, cancelAt: nil))
        now += Double.random(in: 0...(2 / source.perSecond), using: &random)
      }
    }
    return plan
  }

  static func configuration(
    _ products: [DeskConfiguration.Product], bucket: ScopeLimits,
    policy: DeskPolicy = DeskPolicy(), burst: Double = 1, most: Int64 = 1000
  ) -> DeskConfiguration {
    DeskConfiguration(
      products: products, keys: [.init(name: "k")],
      buckets: [
        .init(
          name: "b", limits: bucket,
          policy: BucketPolicy(
            law: .own, burst: burst, concurrency: .init(first: most, most: most)))
      ],
      routes: [Route(name: "r", provider: "v", key: "k", bucket: "b", modelClass: "m")],
      policy: policy)
  }
}
