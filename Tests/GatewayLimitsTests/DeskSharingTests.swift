import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

@Suite struct DeskSharingTests {
  private typealias Source = DeskLoad.Source

  private func run(_ plan: DeskPlan, until end: Double) throws -> DeskWorld {
    var world = try DeskWorld(plan)
    world.run(until: end)
    #expect(world.violations == [])
    #expect(
      LimitChecker(configuration: plan.configuration, sent: world.sent).violations == [])
    return world
  }

  /// Of what the limit allows from the first minute on.
  private func usedPart(
    _ world: DeskWorld, _ limit: Double, until end: Double, _ amount: (DeskWorld.Sent) -> Double
  ) -> Double {
    world.sent.filter { $0.leftAt < end }.map(amount).reduce(0, +) / (limit * end / 60)
  }

  @Test(arguments: [1.0, 0.2])
  func `at least 95 of 100 are used where there is demand`(_ burst: Double) throws {
    let end = 62.0 * 8
    let requests = try run(
      DeskLoad.plan(
        [Source(product: "p", perSecond: 6, input: 10)],
        DeskLoad.configuration(
          [.init(name: "p")], bucket: ScopeLimits(requestsPerMinute: 240), burst: burst),
        seconds: end), until: end - 0.01)
    #expect(usedPart(requests, 240, until: end) { _ in 1 } >= 0.95)
    let tokens = try run(
      DeskLoad.plan(
        [
          Source(product: "p", perSecond: 4, input: 900),
          Source(product: "q", perSecond: 4, input: 300),
        ],
        DeskLoad.configuration(
          [.init(name: "p"), .init(name: "q")],
          bucket: ScopeLimits(inputTokensPerMinute: 100_000), burst: burst),
        seconds: end), until: end - 0.01)
    #expect(
      usedPart(tokens, 100_000, until: end) { Double($0.arrival.usage.freshInput) } >= 0.95)
  }

  @Test func `concurrency grows to what a provider bears and is used`() throws {
    var configuration = DeskLoad.configuration(
      [.init(name: "p")], bucket: ScopeLimits(concurrency: 20))
    configuration.buckets[0].policy.concurrency = .init()
    let world = try run(
      DeskLoad.plan(
        [Source(product: "p", perSecond: 12, input: 10)], configuration, seconds: 300),
      until: 300)
    let busy = world.sent.filter { $0.leftAt > 60 && $0.leftAt < 290 }
      .map { $0.arrival.lasts + $0.arrival.delay }.reduce(0, +)
    #expect(busy >= 0.95 * 20 * 230)
  }

  @Test(arguments: UInt64(1)...4)
  func `the lightest product waits less than two windows`(_ seed: UInt64) throws {
    let world = try run(
      DeskLoad.plan(
        [
          Source(product: "heavy", perSecond: 6, input: 2_000, run: "a"),
          Source(product: "other", perSecond: 3, input: 500),
          Source(product: "light", perSecond: 0.05, input: 100),
        ],
        DeskLoad.configuration(
          ["heavy", "other", "light"].map { .init(name: $0) },
          bucket: ScopeLimits(requestsPerMinute: 200, inputTokensPerMinute: 100_000)),
        seconds: 500, seed: seed), until: 500)
    let waits = world.waits.filter { $0.product == "light" }.map(\.seconds)
    #expect(waits.count > 10)
    #expect((waits.max() ?? .infinity) < 120)
    #expect(
      world.waitedSince.allSatisfy { id, since in
        world.plan.arrivals[Int(id) - 1].call.product != "light" || since > 380
      })
  }

  @Test(arguments: UInt64(1)...4)
  func `large calls do not starve small ones, nor small ones large ones`(_ seed: UInt64) throws {
    let products: [DeskConfiguration.Product] = [.init(name: "large"), .init(name: "small")]
    let world = try run(
      DeskLoad.plan(
        [
          Source(product: "large", perSecond: 0.4, input: 100_000),
          Source(product: "small", perSecond: 30, input: 1_000),
        ],
        DeskLoad.configuration(
          products, bucket: ScopeLimits(inputTokensPerMinute: 1_000_000)),
        seconds: 400, seed: seed), until: 400)
    // Each asks for more than its half, so each gets its half.
    let late = world.sent.filter { $0.leftAt > 62 && $0.leftAt < 62 * 6 }
    for product in products {
      let tokens = late.filter { $0.arrival.call.product == product.name }
        .map { Double($0.arrival.usage.freshInput) }.reduce(0, +)
      #expect(abs(tokens / (500_000 * 5) - 1) < 0.12, "\(product.name) got \(tokens)")
    }
  }

  /// One product, where nothing but the place kept free protects the large call.
  @Test func `a large call among small ones of its own product goes within two windows`() throws {
    for headWait in [10, 10_000] {
      var policy = DeskPolicy()
      policy.headWait = .seconds(headWait)
      var plan = DeskLoad.plan(
        [Source(product: "p", perSecond: 20, input: 100, lasts: 1)],
        DeskLoad.configuration(
          [.init(name: "p")], bucket: ScopeLimits(inputTokensPerMinute: 100_000), policy: policy),
        seconds: 600)
      let large = UInt64(plan.arrivals.count + 1)
      plan.arrivals.append(plan.arrivals[0])
      plan.arrivals[plan.arrivals.count - 1].at = 100
      plan.arrivals[plan.arrivals.count - 1].call.id = large
      plan.arrivals[plan.arrivals.count - 1].call.need.input = 60_000
      plan.arrivals[plan.arrivals.count - 1].usage.freshInput = 60_000
      let world = try run(plan, until: 600)
      let leftAt = world.sent.first { $0.arrival.call.id == large }?.leftAt
      if headWait == 10 {
        #expect((leftAt ?? .infinity) < 100 + 124)
      } else {
        // The same without the protection, so that the test can fail.
        #expect(leftAt == nil)
      }
    }
  }

  @Test func `interactive calls overtake batch, and batch goes on`() throws {
    let world = try run(
      DeskLoad.plan(
        [
          Source(product: "p", perSecond: 6, input: 10, priority: .batch),
          Source(product: "p", perSecond: 5, input: 10, priority: .interactive),
        ],
        DeskLoad.configuration(
          [.init(name: "p")], bucket: ScopeLimits(requestsPerMinute: 300), burst: 0.05),
        seconds: 400), until: 400)
    let late = world.sent.filter { $0.leftAt > 70 }
    let batch = late.filter { $0.arrival.call.priority == .batch }.count
    #expect(batch * 9 >= late.count && batch * 2 <= late.count + 2)
  }

  /// Sizes differ in one dimension here, where the smallest call tells whether any fits.
  @Test func `no call waits that fits`() throws {
    var random = SeededRandom("conservation")
    for _ in 0..<40 {
      let seed = random.next()
      var plan = DeskPlan(seed: seed)
      plan.reloads = []
      plan.configuration.policy.headWait = .seconds(100_000)
      for index in plan.configuration.buckets.indices {
        plan.configuration.buckets[index].policy.concurrency = .init(first: 1000, most: 1000)
        plan.configuration.buckets[index].policy.law = .own
      }
      for index in plan.arrivals.indices {
        plan.arrivals[index].outcome = .succeeded
        plan.arrivals[index].call.need.cachedInput = 0
        plan.arrivals[index].call.need.output = 50
        plan.arrivals[index].usage = TokenUsage(
          freshInput: plan.arrivals[index].call.need.input, output: 50)
      }
      var world = try DeskWorld(plan)
      world.inspect = { world, now in
        for id in IdleChecker(world: world, now: now).idle {
          world.violate("\(id) could go at \(now)")
        }
      }
      world.run()
      #expect(world.violations.prefix(3) == [], "TEST_SEED=\(seed)")
    }
  }
}

/// Finds calls that wait though every limit has room, from the log alone.
private struct IdleChecker {
  let world: DeskWorld
  let now: Double

  var idle: [UInt64] {
    let waiting = world.waitedSince.keys.sorted()
    return waiting.filter { id in
      let call = world.plan.arrivals[Int(id) - 1].call
      let routes = call.routes.compactMap { name in
        world.plan.configuration.routes.first { $0.name == name }
      }
      // Which of several a call may take depends on its run: asked only of those with one.
      guard routes.count == 1, let route = routes.first else { return false }
      let settings = world.plan.configuration
      return fits(call, settings.products.first { $0.name == call.product }?.limits) {
        $0.arrival.call.product == call.product
      }
        && fits(call, settings.keys.first { $0.name == route.key }?.limits) {
          $0.route.key == route.key
        }
        && fits(call, settings.buckets.first { $0.name == route.bucket }?.limits) {
          $0.route.bucket == route.bucket
        }
    }
  }

  private func fits(
    _ call: Call, _ limits: ScopeLimits?, _ isOwn: (DeskWorld.Sent) -> Bool
  ) -> Bool {
    guard let limits else { return true }
    let own = world.sent.filter { isOwn($0) && !$0.isReleased }
    func used(_ seconds: Double, _ amount: (DeskWorld.Sent) -> Int64) -> Int64 {
      own.filter { $0.leftAt + seconds + 2 > now }.map(amount).reduce(0, +)
    }
    let requests = used(60) { _ in 1 }
    let input = used(60) { $0.arrival.call.need.input }
    let output = used(60) { $0.arrival.call.need.output }
    let inFlight = Int64(own.filter { $0.endedAt == nil }.count)
    return limits.requestsPerMinute.map { requests < $0 } ?? true
      && limits.callsPerHour.map { used(3600) { _ in 1 } < $0 } ?? true
      && limits.inputTokensPerMinute.map { input + call.need.input <= $0 } ?? true
      && limits.outputTokensPerMinute.map { output + call.need.output <= $0 } ?? true
      && limits.concurrency.map { inFlight < $0 } ?? true
  }
}
