package import GatewayPacing

extension AdmissionDesk {
  /// Lets a call go, puts it in the queue, or refuses it.
  ///
  /// A call that fits goes ahead of those who wait only when none of them fits.
  package mutating func ask(_ call: Call, at now: MonotonicInstant) -> Decision {
    guard call.need.isSensible, (1...DeskPolicy.routesMax).contains(call.routes.count) else {
      return .refused(Refusal(.senseless))
    }
    guard waiting[call.id] == nil, flights[call.id] == nil else {
      return .refused(Refusal(.alreadyAsked))
    }
    guard let product = productOf[call.product], !products[product].isGone else {
      return .refused(Refusal(.unknownProduct))
    }
    var named = RouteList()
    for name in call.routes {
      guard let route = wayOf[name], !ways[route].isGone else {
        return .refused(Refusal(.unknownRoute))
      }
      named.append(route)
    }
    let startBy = min(call.startBy ?? now + policy.waitMost, now + policy.waitMost)
    guard startBy >= now else { return .refused(Refusal(.deadline)) }
    let choice = choose(call, product: product, named: named, startBy: startBy, at: now)
    if let refusal = choice.refusal { return .refused(refusal) }

    var reason = WaitReason.turn
    var wakes: [MonotonicInstant?] = []
    for index in 0..<choice.routes.count {
      let route = choice.routes[index]
      guard !alarms[ways[route].bucket].isDue(at: now) else {
        wakes.append(now)
        continue
      }
      let obstacle = obstacle(
        call.need, product: product, route: route, id: call.id, since: now, at: now)
      guard let found = obstacle.reason else {
        let bucket = ways[route].bucket
        buckets[bucket].queue.charge(product, call.priority, tokens: call.need.weight)
        return .admitted(admit(call, product: product, by: route, at: now))
      }
      if index == 0 { reason = found }
      wakes.append(obstacle.until)
    }
    let place = place(
      of: call, product: product, in: ways[choice.routes[0]].bucket, reason: reason,
      until: wakes[0], at: now)
    if let refusal = full(product, place, at: now) { return .refused(refusal) }
    let waiter = WaitingCall(
      call: call, product: product, named: named, routes: choice.routes, since: now,
      startBy: startBy, deadline: 0)
    enqueue(waiter)
    for (index, wake) in wakes.enumerated() {
      alarms[ways[choice.routes[index]].bucket].wake(at: wake.map { max($0, now.later(by: 1)) })
    }
    return .waiting(place)
  }

  private func full(_ product: Int, _ place: Place, at now: MonotonicInstant) -> Refusal? {
    let isFull = waiting.count >= policy.waitingMax
    guard isFull || products[product].waiting >= policy.waitingPerProductMax else { return nil }
    let wait = max(.seconds(1), place.predictedStart - now)
    return Refusal(isFull ? .queueFull : .productQueueFull, retryAfter: wait)
  }

  /// Puts a call in the queue of every bucket that it may leave by.
  mutating func enqueue(_ waiter: WaitingCall) {
    var waiter = waiter
    let call = waiter.call
    for index in 0..<waiter.routes.count {
      let bucket = ways[waiter.routes[index]].bucket
      guard !waiter.slots.contains(where: { $0.bucket == bucket }) else { continue }
      alarms[bucket].entered()
      let ask = FairQueue.Ask(
        id: call.id, product: waiter.product, lane: waiter.routes.lane, run: call.run,
        priority: call.priority, tokens: call.need.weight, since: waiter.since)
      waiter.slots.append((bucket, buckets[bucket].queue.push(ask)))
    }
    waiter.deadline = deadlines.insert(
      key: waiter.startBy.nanoseconds, order: call.id, value: Int(Int64(bitPattern: call.id)))
    products[waiter.product].waiting += 1
    waiting[call.id] = waiter
  }

  /// Takes from every limit what the call needs; that it fits is known.
  mutating func admit(_ call: Call, product: Int, by route: Int, at now: MonotonicInstant) -> Ticket
  {
    let (key, bucket) = (ways[route].key, ways[route].bucket)
    let charge = CountingLaw.own.charge(for: call.need)
    serial += 1
    let ticket = Ticket(
      id: call.id, route: ways[route].name, admittedAt: now, serial: serial)
    flights[call.id] = Flight(
      ticket: ticket, product: product, route: route, priority: call.priority,
      tokens: call.need.weight,
      productPart: products[product].meter.take(charge, at: now),
      keyPart: keys[key].meter.take(charge, at: now),
      bucketPart: buckets[bucket].bucket.take(call.need, at: now),
      isBreakerProbe: breakers[ways[route].breaker].pass(at: now),
      lease: leases.insert(
        key: (now + policy.leaseMost).nanoseconds, order: call.id,
        value: Int(Int64(bitPattern: call.id))))
    sticky.use(call.run, route, at: now, runsMax: policy.runsMax)
    return ticket
  }

  // MARK: - Routes

  struct Choice {
    var routes = RouteList()
    var refusal: Refusal?
  }

  /// The routes that a call may take: those that failover allows, that can ever hold it, and
  /// that are open or will be in time. A run keeps its route while that is one of them.
  func choose(
    _ call: Call, product: Int, named: RouteList, startBy: MonotonicInstant,
    at now: MonotonicInstant
  ) -> Choice {
    let own = sticky.route(of: call.run).flatMap { named.contains($0) ? $0 : nil }
    let first = own ?? named[0]
    var choice = Choice()
    var opensAt: MonotonicInstant?
    for index in 0..<named.count {
      let route = named[index]
      guard mayTake(route, instead: first, call.failover) else { continue }
      if let size = excess(of: call.need, product: product, route: route) {
        choice.refusal = choice.refusal ?? Refusal(size)
        continue
      }
      if let (reason, end) = closure(of: route, at: now), end.map({ $0 > startBy }) ?? true {
        if let end { opensAt = opensAt.map { min($0, end) } ?? end }
        choice.refusal = choice.refusal ?? Refusal(.noRoute(reason))
        continue
      }
      choice.routes.append(route)
    }
    if let own, choice.routes.contains(own) {
      choice.routes = RouteList()
      choice.routes.append(own)
    }
    if choice.routes.count > 0 {
      choice.refusal = nil
    } else if let opensAt {
      choice.refusal?.retryAfter = opensAt - now
    }
    return choice
  }

  private func mayTake(_ route: Int, instead first: Int, _ failover: Failover) -> Bool {
    guard route != first else { return true }
    switch failover {
    case .allowed: return true
    case .withinProvider: return ways[route].provider == ways[first].provider
    case .forbidden: return false
    }
  }

  private func excess(of need: CallNeed, product: Int, route: Int) -> Refusal.Reason? {
    let charge = CountingLaw.own.charge(for: need)
    let bucket = ways[route].bucket
    if let kind = products[product].meter.excess(of: charge) { return .tooLarge(.product, kind) }
    if let kind = keys[ways[route].key].meter.excess(of: charge) { return .tooLarge(.key, kind) }
    return buckets[bucket].bucket.excess(of: need).map { .tooLarge(.bucket, $0) }
  }

  /// Whether a route may be taken by whoever fits: neither closed by an answer of its provider's,
  /// nor left alone for its failures.
  package func isOpen(_ route: String, at now: MonotonicInstant) -> Bool {
    wayOf[route].map { closure(of: $0, at: now) == nil } ?? false
  }

  /// Why a route is closed, and until when; nil when it is open, or gone.
  private func closure(
    of route: Int, at now: MonotonicInstant
  ) -> (WaitReason, MonotonicInstant?)? {
    let way = ways[route]
    guard !way.isGone else { return (.closed, nil) }
    if case .shut(let reason, let end) = keys[way.key].gate.state(at: now) { return (reason, end) }
    switch buckets[way.bucket].bucket.gate.state(at: now) {
    case .closed(let end): return (.retryAfter, end)
    case .shut(let reason, let end): return (reason, end)
    case .open, .probing: break
    }
    if case .open(let end) = breakers[way.breaker].state(at: now) { return (.breakerOpen, end) }
    return nil
  }
}
