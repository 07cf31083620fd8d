import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

@Suite struct AdmissionDeskTests {
  private var random = SeededRandom(seed: 7)

  @Test(arguments: [LimitScope.product, .key, .bucket], LimitKind.allCases)
  func `a call waits for one limit and takes nothing from the others`(
    _ scope: LimitScope, _ kind: LimitKind
  ) throws {
    var limits = ScopeLimits()
    switch kind {
    case .requests: limits.requestsPerMinute = 1
    case .inputTokens: limits.inputTokensPerMinute = 10
    case .outputTokens: limits.outputTokensPerMinute = 10
    case .callsPerHour: limits.callsPerHour = 1
    case .concurrency: limits.concurrency = 1
    }
    let none = ScopeLimits()
    var desk = try AdmissionDesk(
      oneRoute(
        product: scope == .product ? limits : none, key: scope == .key ? limits : none,
        bucket: scope == .bucket ? limits : none))
    let ticket = try #require(desk.ask(call(1), at: at(0)).ticket)
    let before = desk.usage(at: at(1))
    let place = try #require(desk.ask(call(2), at: at(1)).place)
    #expect(place.reason == .limit(scope, kind))
    #expect(desk.explain(2, at: at(1))?.ways.map(\.reason) == [.limit(scope, kind)])
    check(desk.cancel(2) && !desk.cancel(2))
    #expect(desk.usage(at: at(1)) == before)
    check(desk.next(at: at(1)) == [])
    // Given back without being sent, it makes room at once.
    check(desk.release(ticket, at: at(2)))
    #expect(desk.ask(call(3), at: at(2)).ticket != nil)
  }

  @Test func `a window opens when the first call leaves it and not before`() throws {
    var desk = try AdmissionDesk(oneRoute(bucket: ScopeLimits(requestsPerMinute: 2)))
    for id in UInt64(1)...2 { #expect(desk.ask(call(id), at: at(Double(id))).ticket != nil) }
    #expect(desk.ask(call(3), at: at(5)).place?.predictedStart == at(63))
    #expect(desk.wakeAt == at(63))
    check(desk.next(at: at(62.999)) == [])
    check(desk.next(at: at(63)).compactMap(\.ticket).map(\.id) == [3])
  }

  @Test func `what can never be is refused at once`() throws {
    var desk = try AdmissionDesk(
      oneRoute(
        product: ScopeLimits(inputTokensPerMinute: 100),
        bucket: ScopeLimits(outputTokensPerMinute: 50)))
    let large = call(1, need: CallNeed(input: 101, output: 0))
    #expect(desk.ask(large, at: at(0)).refusal?.reason == .tooLarge(.product, .inputTokens))
    let long = call(1, need: CallNeed(input: 1, output: 51))
    #expect(desk.ask(long, at: at(0)).refusal?.reason == .tooLarge(.bucket, .outputTokens))
    #expect(desk.ask(call(1, "x"), at: at(0)).refusal?.reason == .unknownProduct)
    #expect(desk.ask(call(1, routes: ["x"]), at: at(0)).refusal?.reason == .unknownRoute)
    #expect(desk.ask(call(1, routes: []), at: at(0)).refusal?.reason == .senseless)
    for need in [
      CallNeed(input: -1, output: 0), CallNeed(input: 1, cachedInput: 2, output: 0),
      CallNeed(input: .max, output: .max),
    ] {
      #expect(desk.ask(call(1, need: need), at: at(0)).refusal?.reason == .senseless)
    }
    #expect(desk.ask(call(1, startBy: at(-1)), at: at(0)).refusal?.reason == .deadline)
    #expect(desk.ask(call(1), at: at(0)).ticket != nil)
    #expect(desk.ask(call(1), at: at(0)).refusal?.reason == .alreadyAsked)
  }

  @Test func `a full queue says when to come again`() throws {
    var configuration = oneRoute(bucket: ScopeLimits(requestsPerMinute: 1))
    configuration.policy.waitingMax = 3
    configuration.policy.waitingPerProductMax = 2
    var desk = try AdmissionDesk(configuration)
    for id in UInt64(1)...3 { _ = desk.ask(call(id), at: at(0)) }
    let own = desk.ask(call(4), at: at(0)).refusal
    #expect(own?.reason == .productQueueFull && (own?.retryAfter ?? .zero) > .seconds(61))
    #expect(desk.ask(call(5, "q"), at: at(0)).place != nil)
    #expect(desk.ask(call(6, "q"), at: at(0)).refusal?.reason == .queueFull)
  }

  @Test func `who waits too long is refused and never let go late`() throws {
    var desk = try AdmissionDesk(oneRoute(bucket: ScopeLimits(requestsPerMinute: 1)))
    _ = desk.ask(call(1), at: at(0))
    _ = desk.ask(call(2, startBy: at(30)), at: at(0))
    #expect(desk.wakeAt == at(30) + .nanoseconds(1))
    check(desk.next(at: at(30)) == [])
    check(desk.next(at: at(100)) == [.refused(id: 2, Refusal(.deadline))])
    #expect(desk.waitingCount == 0)
    // While the limit still holds, it says until when.
    _ = desk.ask(call(3), at: at(100))
    _ = desk.ask(call(4, startBy: at(110)), at: at(100))
    guard case .refused(4, let refusal)? = desk.next(at: at(111)).last else {
      Issue.record("it was not refused")
      return
    }
    #expect(refusal.reason == .deadline && (refusal.retryAfter ?? .zero) > .seconds(40))
  }

  @Test func `a ticket that nobody settles is lost, and counts`() throws {
    var desk = try AdmissionDesk(oneRoute(bucket: ScopeLimits(concurrency: 1)))
    let ticket = try #require(desk.ask(call(1), at: at(0)).ticket)
    _ = desk.ask(call(2), at: at(400))
    let released = desk.next(at: at(901))
    #expect(released.first == .lost(ticket) && released.last?.ticket?.id == 2)
    var random = random
    check(!desk.settle(ticket, Settlement(.succeeded, usage: .zero), at: at(902), using: &random))
  }

  @Test func `the first route that is open is taken, and a run stays on its own`() throws {
    var desk = try AdmissionDesk(twoRoutes(first: ScopeLimits(concurrency: 1)))
    var random = random
    let both = ["a", "b"]
    let first = try #require(desk.ask(call(1, run: "x", routes: both), at: at(0)).ticket)
    #expect(first.route == "a")
    #expect(desk.ask(call(2, routes: both), at: at(0)).ticket?.route == "b")
    // Run x waits for a, though b is free.
    #expect(desk.ask(call(3, run: "x", routes: both), at: at(0)).place != nil)
    // Until a is closed for longer than the call has time.
    let closed = Settlement(.rateLimited(retryAfter: .seconds(1000)), usage: .zero)
    check(desk.settle(first, closed, at: at(1), using: &random))
    check(desk.next(at: at(1)).compactMap(\.ticket).map(\.route) == ["b"])
  }

  @Test func `failover goes no further than the caller allows`() throws {
    var desk = try AdmissionDesk(twoRoutes())
    var random = random
    let first = try #require(desk.ask(call(1, routes: ["a", "b"]), at: at(0)).ticket)
    let closed = Settlement(.quotaExhausted(until: at(86_400)), usage: .zero)
    check(desk.settle(first, closed, at: at(1), using: &random))
    for failover in [Failover.forbidden, .withinProvider] {
      let refusal = desk.ask(call(2, routes: ["a", "b"], failover: failover), at: at(1)).refusal
      #expect(refusal == Refusal(.noRoute(.quotaExhausted), retryAfter: .seconds(86_399)))
    }
    #expect(desk.ask(call(2, routes: ["a", "b"]), at: at(1)).ticket?.route == "b")
    desk.reopen(bucket: "ba", at: at(2))
    #expect(desk.ask(call(3, routes: ["a", "b"]), at: at(2)).ticket?.route == "a")
  }

  @Test func `a refused key is taken out until the operator's word`() throws {
    var desk = try AdmissionDesk(oneRoute())
    var random = random
    let ticket = try #require(desk.ask(call(1), at: at(0)).ticket)
    check(desk.settle(ticket, Settlement(.unauthorized, usage: .zero), at: at(1), using: &random))
    #expect(desk.ask(call(2), at: at(1e6)).refusal?.reason == .noRoute(.closed))
    desk.reopen(key: "k", at: at(1e6))
    #expect(desk.ask(call(2), at: at(1e6)).ticket != nil)
  }

  @Test func `limits change without forgetting, and also where there was none`() throws {
    var configuration = oneRoute()
    var desk = try AdmissionDesk(configuration)
    for id in UInt64(1)...5 { #expect(desk.ask(call(id), at: at(Double(id))).ticket != nil) }
    configuration.products[0].limits.requestsPerMinute = 5
    try desk.reload(configuration, at: at(6))
    #expect(desk.ask(call(6), at: at(6)).place?.reason == .limit(.product, .requests))
    configuration.products[0].limits.requestsPerMinute = 6
    try desk.reload(configuration, at: at(7))
    check(desk.next(at: at(7)).compactMap(\.ticket).map(\.id) == [6])
    #expect(desk.ask(call(7), at: at(8)).place != nil)
    var removed = configuration
    removed.products.removeFirst()
    try desk.reload(removed, at: at(9))
    check(desk.next(at: at(9)) == [.refused(id: 7, Refusal(.unknownProduct))])
    removed.routes[0].key = "none"
    #expect(throws: DeskFlaw.self) { try desk.reload(removed, at: at(9)) }
  }

  @Test func `only as much is reserved as the law of the bucket counts`() throws {
    let need = CallNeed(input: 1_000, cachedInput: 900, output: 500)
    for (law, input, output) in [
      (CountingLaw.anthropic, Int64(100), Int64(500)), (.openAI, 1_500, 0), (.own, 1_000, 500),
    ] {
      var desk = try AdmissionDesk(oneRoute(law: law))
      var random = random
      let ticket = try #require(desk.ask(call(1, need: need), at: at(0)).ticket)
      var usage = try #require(desk.usage(at: at(1)).buckets["b"])
      #expect(usage.inputTokens == input && usage.outputTokens == output)
      let actual = TokenUsage(freshInput: 20, cacheWrite: 30, cacheRead: 950, output: 70)
      check(
        desk.settle(ticket, Settlement(.succeeded, usage: actual), at: at(30), using: &random))
      usage = try #require(desk.usage(at: at(61)).buckets["b"])
      // Output as it is produced counts from the end of the call, all else from its start.
      switch law {
      case .anthropic: #expect(usage.inputTokens == 50 && usage.outputTokens == 70)
      case .openAI: #expect(usage.inputTokens == 1_500 && usage.outputTokens == 0)
      default: #expect(usage.inputTokens == 1_000 && usage.outputTokens == 70)
      }
      usage = try #require(desk.usage(at: at(63)).buckets["b"])
      #expect(usage.inputTokens == 0 && usage.outputTokens == (law == .anthropic ? 70 : 0))
    }
  }

  @Test func `unknown usage counts as all that was reserved, and an explicit zero as zero`() throws
  {
    for (usage, expected) in [(nil, Int64(10)), (TokenUsage.zero, 0)] {
      var desk = try AdmissionDesk(oneRoute())
      var random = random
      let ticket = try #require(desk.ask(call(1), at: at(0)).ticket)
      check(desk.settle(ticket, Settlement(.broken, usage: usage), at: at(1), using: &random))
      let counted = try #require(desk.usage(at: at(2)).products["p"])
      #expect(counted.inputTokens == expected && counted.outputTokens == expected)
      #expect(counted.requests == 1 && counted.inFlight == 0)
    }
  }

  @Test func `headers lower what is left, and never raise it`() throws {
    var desk = try AdmissionDesk(
      oneRoute(bucket: ScopeLimits(requestsPerMinute: 60), law: .anthropic))
    var random = random
    func headers(_ limit: Int64, _ remaining: Int64) -> ProviderHeaders {
      ProviderHeaders(requests: HeaderCount(limit: limit, remaining: remaining))
    }
    let first = try #require(desk.ask(call(1), at: at(0)).ticket)
    check(
      desk.settle(
        first, Settlement(.succeeded, usage: .zero, headers: headers(60, 0)), at: at(0),
        using: &random))
    // Others drained the bucket: one call a second is what it fills by.
    #expect(desk.ask(call(2), at: at(0)).place?.reason == .providerCount(.requests))
    check(desk.next(at: at(0.9)).isEmpty)
    let second = try #require(desk.next(at: at(1.001)).first?.ticket)
    check(
      desk.settle(
        second, Settlement(.succeeded, usage: .zero, headers: headers(9_999, 9_999)), at: at(1.01),
        using: &random))
    #expect(desk.ask(call(3), at: at(1.01)).place?.reason == .providerCount(.requests))
  }
}
