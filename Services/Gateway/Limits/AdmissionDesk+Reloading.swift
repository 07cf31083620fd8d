package import GatewayPacing

extension AdmissionDesk {
  /// Other limits over the same history: what was used stays used, who waits goes on waiting.
  ///
  /// What is no longer named takes no calls any more. Times, a bucket's law of counting and its
  /// burst, and the breakers' policy stay as they were. Nothing changes when it throws.
  package mutating func reload(
    _ configuration: DeskConfiguration, at now: MonotonicInstant
  ) throws(DeskFlaw) {
    if let flaw = configuration.flaw { throw DeskFlaw(text: flaw) }
    let times = policy.times
    policy = configuration.policy
    policy.times = times
    reloadProducts(configuration.products)
    for key in configuration.keys {
      if let place = keyOf[key.name] {
        keys[place].settings = key
        keys[place].meter.set(key.limits)
      } else {
        keyOf[key.name] = keys.count
        keys.append(KeyState(settings: key, meter: LimitMeter(key.limits, law: .own, times: times)))
      }
    }
    for bucket in configuration.buckets { reload(bucket) }
    reloadRoutes(configuration.routes)
    for bucket in buckets.indices { weigh(in: bucket) }
    reconsiderAll(at: now)
  }

  private mutating func reloadProducts(_ settings: [DeskConfiguration.Product]) {
    for place in products.indices { products[place].isGone = true }
    for product in settings {
      if let place = productOf[product.name] {
        products[place].settings = product
        products[place].meter.set(product.limits)
        products[place].isGone = false
      } else {
        productOf[product.name] = products.count
        products.append(
          ProductState(
            settings: product,
            meter: LimitMeter(product.limits, law: .own, times: policy.times)))
      }
    }
  }

  private mutating func reload(_ settings: DeskConfiguration.Bucket) {
    let fresh = ProviderBucket(settings.limits, policy: settings.policy, times: policy.times)
    guard let place = bucketOf[settings.name] else {
      bucketOf[settings.name] = buckets.count
      alarms.append(BucketAlarm())
      buckets.append(
        BucketState(settings: settings, bucket: fresh, queue: FairQueue(policy.queue)))
      return
    }
    buckets[place].bucket.set(settings.limits, policy: settings.policy)
    buckets[place].settings = settings
    buckets[place].queue.policy = policy.queue
  }

  private mutating func reloadRoutes(_ routes: [Route]) {
    for place in ways.indices { ways[place].isGone = true }
    for key in keys.indices { keys[key].buckets = [] }
    for route in routes {
      guard let key = keyOf[route.key], let bucket = bucketOf[route.bucket] else { continue }
      let name = BreakerName(
        provider: route.provider, modelClass: route.modelClass, key: route.key)
      let breaker = breakerOf[name] ?? breakers.count
      if breaker == breakers.count {
        breakerOf[name] = breaker
        breakers.append(CircuitBreaker(policy.breaker))
      }
      let way = Way(
        name: route.name, provider: route.provider, key: key, bucket: bucket, breaker: breaker)
      // A route that leads elsewhere is another: calls on their way keep the old one.
      if let place = wayOf[route.name], ways[place].key == key, ways[place].bucket == bucket,
        ways[place].breaker == breaker
      {
        ways[place].isGone = false
      } else {
        wayOf[route.name] = ways.count
        ways.append(way)
      }
      if !keys[key].buckets.contains(bucket) { keys[key].buckets.append(bucket) }
    }
  }

  private mutating func weigh(in bucket: Int) {
    for product in products.indices {
      buckets[bucket].queue.setWeight(products[product].settings.weight, of: product)
    }
  }
}
