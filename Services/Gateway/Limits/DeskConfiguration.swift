package import GatewayPacing

/// All limits of a desk; they may be changed while it runs.
package struct DeskConfiguration: Sendable, Equatable {
  package struct Product: Sendable, Equatable {
    package var name: String
    package var limits: ScopeLimits
    /// Its share of a bucket that several wait for.
    package var weight: Int

    package init(name: String, limits: ScopeLimits = ScopeLimits(), weight: Int = 1) {
      self.name = name
      self.limits = limits
      self.weight = weight
    }
  }

  package struct Key: Sendable, Equatable {
    package var name: String
    package var limits: ScopeLimits

    package init(name: String, limits: ScopeLimits = ScopeLimits()) {
      self.name = name
      self.limits = limits
    }
  }

  package struct Bucket: Sendable, Equatable {
    package var name: String
    package var limits: ScopeLimits
    package var policy: BucketPolicy

    package init(name: String, limits: ScopeLimits = ScopeLimits(), policy: BucketPolicy) {
      self.name = name
      self.limits = limits
      self.policy = policy
    }
  }

  package var products: [Product]
  package var keys: [Key]
  package var buckets: [Bucket]
  package var routes: [Route]
  package var policy: DeskPolicy

  package init(
    products: [Product], keys: [Key], buckets: [Bucket], routes: [Route],
    policy: DeskPolicy = DeskPolicy()
  ) {
    self.products = products
    self.keys = keys
    self.buckets = buckets
    self.routes = routes
    self.policy = policy
  }

  /// What is wrong with it, or nil: a name twice, or a route to what is not there.
  package var flaw: String? {
    for (kind, names) in [
      ("product", products.map(\.name)), ("key", keys.map(\.name)),
      ("bucket", buckets.map(\.name)), ("route", routes.map(\.name)),
    ] {
      var seen: Set<String> = []
      for name in names where !seen.insert(name).inserted {
        return "\(kind) \(name) is there twice"
      }
      if names.count > DeskPolicy.namesMax { return "there are too many of \(kind)" }
    }
    let keyNames = Set(keys.map(\.name))
    let bucketNames = Set(buckets.map(\.name))
    for route in routes {
      if !keyNames.contains(route.key) { return "route \(route.name) has no key \(route.key)" }
      if !bucketNames.contains(route.bucket) {
        return "route \(route.name) has no bucket \(route.bucket)"
      }
    }
    return nil
  }
}

/// Why a configuration cannot be used.
package struct DeskFlaw: Error, Equatable {
  package let text: String
}

/// The limits of the desk itself.
package struct DeskPolicy: Sendable, Equatable {
  /// Products, keys, buckets, routes: of each.
  package static let namesMax = 10_000
  /// A call names so many routes.
  package static let routesMax = 4

  /// Does not change while the desk runs.
  package var times: LimitTimes
  package var waitingMax: Int
  package var waitingPerProductMax: Int
  /// Nobody waits longer, whatever the deadline.
  package var waitMost: Duration
  /// A call that waited so long for tokens keeps smaller ones from overtaking it.
  package var headWait: Duration
  /// A ticket that is not settled by then is lost.
  package var leaseMost: Duration
  /// Runs whose route is remembered; the one used last the longest ago is forgotten first.
  package var runsMax: Int
  package var queue: FairQueue.Policy
  /// Does not change while the desk runs.
  package var breaker: CircuitBreaker.Policy

  package init(
    times: LimitTimes = LimitTimes(), waitingMax: Int = 20_000, waitingPerProductMax: Int = 10_000,
    waitMost: Duration = .seconds(600), headWait: Duration = .seconds(10),
    leaseMost: Duration = .seconds(900), runsMax: Int = 10_000,
    queue: FairQueue.Policy = FairQueue.Policy(),
    breaker: CircuitBreaker.Policy = CircuitBreaker.Policy()
  ) {
    self.times = times
    self.waitingMax = waitingMax
    self.waitingPerProductMax = waitingPerProductMax
    self.waitMost = waitMost
    self.headWait = headWait
    self.leaseMost = leaseMost
    self.runsMax = runsMax
    self.queue = queue
    self.breaker = breaker
  }
}
