import GatewayLimits
import GatewayPacing
import Testing

/// Seconds on the tests' clock.
func at(_ seconds: Double) -> MonotonicInstant {
  MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
}

extension MonotonicInstant {
  var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// A desk of one product `p`, one key `k`, one bucket `b` and one route `r`, unless told more.
func oneRoute(
  product: ScopeLimits = ScopeLimits(), key: ScopeLimits = ScopeLimits(),
  bucket: ScopeLimits = ScopeLimits(), law: CountingLaw = .own,
  concurrency: AdaptiveConcurrency.Policy = .init(first: 1000, most: 1000),
  policy: DeskPolicy = DeskPolicy()
) -> DeskConfiguration {
  DeskConfiguration(
    products: [.init(name: "p", limits: product), .init(name: "q")],
    keys: [.init(name: "k", limits: key)],
    buckets: [
      .init(
        name: "b", limits: bucket, policy: BucketPolicy(law: law, concurrency: concurrency))
    ],
    routes: [Route(name: "r", provider: "v", key: "k", bucket: "b", modelClass: "m")],
    policy: policy)
}

/// Two providers, each with a key, a bucket and a route of its own: `a` and `b`.
func twoRoutes(first: ScopeLimits = ScopeLimits()) -> DeskConfiguration {
  DeskConfiguration(
    products: [.init(name: "p"), .init(name: "q")],
    keys: [.init(name: "ka"), .init(name: "kb")],
    buckets: [
      .init(name: "ba", limits: first, policy: BucketPolicy(law: .anthropic)),
      .init(name: "bb", policy: BucketPolicy(law: .openAI)),
    ],
    routes: [
      Route(name: "a", provider: "one", key: "ka", bucket: "ba", modelClass: "m"),
      Route(name: "b", provider: "two", key: "kb", bucket: "bb", modelClass: "m"),
    ])
}

func call(
  _ id: UInt64, _ product: String = "p", run: String = "", routes: [String] = ["r"],
  need: CallNeed = CallNeed(input: 10, output: 10), priority: CallPriority = .batch,
  failover: Failover = .allowed, startBy: MonotonicInstant? = nil
) -> Call {
  Call(
    id: id, product: product, run: run, priority: priority, routes: routes, failover: failover,
    need: need, startBy: startBy)
}

extension Decision {
  var ticket: Ticket? { if case .admitted(let ticket) = self { ticket } else { nil } }
  var place: Place? { if case .waiting(let place) = self { place } else { nil } }
  var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
}

extension Released {
  var ticket: Ticket? { if case .admitted(let ticket) = self { ticket } else { nil } }
}

/// `#expect` of what changes something on the way, which the macro does not take.
func check(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(isTrue, sourceLocation: sourceLocation)
}
