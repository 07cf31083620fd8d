package import GatewayPacing

/// A call that wants to leave.
package struct Call: Sendable, Equatable {
  /// Given by the caller, and not waiting twice.
  package var id: UInt64
  package var product: String
  /// Empty outside of runs; all calls of a run take the same route while it works.
  package var run: String
  package var priority: CallPriority
  /// Names of routes, the best first.
  package var routes: [String]
  package var failover: Failover
  package var need: CallNeed
  /// The last moment at which it makes sense to leave.
  package var startBy: MonotonicInstant?

  package init(
    id: UInt64, product: String, run: String = "", priority: CallPriority = .batch,
    routes: [String], failover: Failover = .allowed, need: CallNeed,
    startBy: MonotonicInstant? = nil
  ) {
    self.id = id
    self.product = product
    self.run = run
    self.priority = priority
    self.routes = routes
    self.failover = failover
    self.need = need
    self.startBy = startBy
  }
}

/// Whether another route than the first may be taken.
package enum Failover: Sendable, Equatable {
  case allowed
  /// Other keys of the same provider.
  case withinProvider
  /// The first route, or the one that its run already has: scores of two models do not compare.
  case forbidden
}

/// One way to a provider.
package struct Route: Sendable, Equatable {
  package var name: String
  package var provider: String
  package var key: String
  /// What the provider counts together; not the model's name, several share one.
  package var bucket: String
  /// What breaks together.
  package var modelClass: String

  package init(name: String, provider: String, key: String, bucket: String, modelClass: String) {
    self.name = name
    self.provider = provider
    self.key = key
    self.bucket = bucket
    self.modelClass = modelClass
  }
}

/// What an admitted call holds until it is settled or released.
package struct Ticket: Sendable, Equatable {
  package let id: UInt64
  package let route: String
  package let admittedAt: MonotonicInstant
  /// Tells it from another ticket of the same call.
  let serial: UInt64
}

/// How an admitted call ended.
package struct Settlement: Sendable, Equatable {
  package var outcome: CallOutcome
  /// Nil: nobody knows, so that all that was reserved counts.
  package var usage: TokenUsage?
  package var headers: ProviderHeaders?

  package init(_ outcome: CallOutcome, usage: TokenUsage?, headers: ProviderHeaders? = nil) {
    self.outcome = outcome
    self.usage = usage
    self.headers = headers
  }
}
