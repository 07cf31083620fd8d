package import GatewayPacing

extension AdmissionDesk {
  /// Why a call waits: every way that it has, and the one thing that holds it there.
  package mutating func explain(_ id: UInt64, at now: MonotonicInstant) -> Explanation? {
    guard let call = waiting[id] else { return nil }
    var ways: [Explanation.Way] = []
    for index in 0..<call.routes.count {
      let route = call.routes[index]
      let obstacle = obstacle(
        call.call.need, product: call.product, route: route, id: id,
        since: call.since, at: now)
      ways.append(
        Explanation.Way(
          route: self.ways[route].name, reason: obstacle.reason ?? .turn, until: obstacle.until))
    }
    let first = ways.first
    let place = place(
      of: call.call, product: call.product, in: self.ways[call.routes[0]].bucket,
      reason: first?.reason ?? .turn, until: first?.until, at: now, isQueued: true)
    return Explanation(
      id: id, since: call.since, startBy: call.startBy, place: place, ways: ways)
  }

  /// When the first of a waiting call's ways will be free of what stands in it now; nil when only
  /// an event can free one.
  mutating func opening(for call: WaitingCall, at now: MonotonicInstant) -> MonotonicInstant? {
    var first: MonotonicInstant?
    for index in 0..<call.routes.count {
      let obstacle = obstacle(
        call.call.need, product: call.product, route: call.routes[index], id: call.call.id,
        since: call.since, at: now)
      guard let until = obstacle.until else { continue }
      first = first.map { min($0, until) } ?? until
    }
    return first
  }

  /// Where a call stands, or would: what waits ahead of it at the rate that the bucket has.
  func place(
    of call: Call, product: Int, in bucket: Int, reason: WaitReason, until: MonotonicInstant?,
    at now: MonotonicInstant, isQueued: Bool = false
  ) -> Place {
    var ahead = buckets[bucket].queue.ahead(of: product, call.priority)
    if isQueued {
      ahead.calls = max(0, ahead.calls - 1)
      ahead.tokens = max(0, ahead.tokens - call.need.weight)
    }
    let minute = Double(max(1, policy.times.minute.wholeNanoseconds))
    var wait = 0.0
    if let limit = buckets[bucket].bucket.meter.requests.limit, limit > 0 {
      wait = max(wait, Double(ahead.calls) * minute / Double(limit))
    }
    if let limit = buckets[bucket].bucket.meter.input.limit, limit > 0 {
      wait = max(wait, Double(ahead.tokens) * minute / Double(limit))
    }
    let places = min(
      buckets[bucket].bucket.adaptive.limit, buckets[bucket].bucket.meter.concurrency ?? .max)
    wait = max(wait, Double(ahead.calls) * buckets[bucket].meanDuration / Double(max(1, places)))
    let start = now.later(by: wait < 9e18 ? Int64(wait) : .max)
    return Place(
      position: ahead.calls + 1, reason: reason, predictedStart: max(start, until ?? now))
  }

  /// What each limit has counted, for metrics and for whoever wants to compare.
  package mutating func usage(at now: MonotonicInstant) -> DeskUsage {
    var usage = DeskUsage()
    for place in products.indices {
      products[place].meter.advance(to: now)
      usage.products[products[place].settings.name] = ScopeUsage(products[place].meter)
    }
    for place in keys.indices {
      keys[place].meter.advance(to: now)
      usage.keys[keys[place].settings.name] = ScopeUsage(keys[place].meter)
    }
    for place in buckets.indices {
      buckets[place].bucket.advance(to: now)
      usage.buckets[buckets[place].settings.name] = ScopeUsage(buckets[place].bucket.meter)
      usage.waiting[buckets[place].settings.name] = buckets[place].queue.waiting
      usage.concurrency[buckets[place].settings.name] = buckets[place].bucket.adaptive.limit
    }
    return usage
  }
}

/// What a desk has counted at one moment.
package struct DeskUsage: Sendable, Equatable {
  package var products: [String: ScopeUsage] = [:]
  package var keys: [String: ScopeUsage] = [:]
  package var buckets: [String: ScopeUsage] = [:]
  /// Ids by bucket, oldest first, interactive before batch.
  package var waiting: [String: [UInt64]] = [:]
  /// What each bucket is thought to bear at once.
  package var concurrency: [String: Int64] = [:]
}

/// What one scope has used within its windows, and what of it is on its way.
package struct ScopeUsage: Sendable, Equatable {
  package let requests: Int64
  package let callsThisHour: Int64
  package let inputTokens: Int64
  package let outputTokens: Int64
  package let inFlight: Int64

  init(_ meter: LimitMeter) {
    requests = meter.requests.used
    callsThisHour = meter.calls.used
    inputTokens = meter.input.used
    outputTokens = meter.output.used
    inFlight = meter.inFlight
  }
}
