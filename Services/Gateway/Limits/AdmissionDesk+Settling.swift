package import GatewayPacing

extension AdmissionDesk {
  /// The provider has begun to answer: a gate or a breaker that one call was to try need not
  /// wait for its end. False when the ticket is not on its way.
  package mutating func answered(
    _ ticket: Ticket, headers: ProviderHeaders? = nil, at now: MonotonicInstant
  ) -> Bool {
    guard var flight = flights[ticket.id], flight.ticket.serial == ticket.serial else {
      return false
    }
    let way = ways[flight.route]
    buckets[way.bucket].bucket.advance(to: now)
    buckets[way.bucket].bucket.answered(&flight.bucketPart, headers, at: now)
    if flight.isBreakerProbe {
      breakers[way.breaker].answered(isProbe: true, at: now)
      flight.isBreakerProbe = false
      flight.hasAnswered = true
    }
    flights[ticket.id] = flight
    alarms[way.bucket].touch()
    return true
  }

  /// The call ended: reservations become what it used, and all who learn from it learn. False,
  /// and without effect, when the ticket is not on its way (any more).
  package mutating func settle<R: RandomNumberGenerator>(
    _ ticket: Ticket, _ settlement: Settlement, at now: MonotonicInstant, using random: inout R
  ) -> Bool {
    guard let flight = take(ticket) else { return false }
    let way = ways[flight.route]
    let (outcome, usage) = (settlement.outcome, settlement.usage)
    products[flight.product].meter.settle(
      flight.productPart, usage, hasFailed: outcome.isFailure, at: now)
    keys[way.key].meter.settle(flight.keyPart, usage, hasFailed: outcome.isFailure, at: now)
    buckets[way.bucket].bucket.advance(to: now)
    buckets[way.bucket].bucket.settle(flight.bucketPart, settlement, at: now)
    var hasClosed = buckets[way.bucket].bucket.learn(
      outcome, of: flight.bucketPart, at: now, using: &random)
    let wasClosed = breakers[way.breaker].state(at: now) == .closed
    switch outcome.provesProvider {
    case true: breakers[way.breaker].answered(isProbe: flight.isBreakerProbe, at: now)
    case false: breakers[way.breaker].failed(isProbe: flight.isBreakerProbe, at: now)
    case nil: breakers[way.breaker].abandoned(isProbe: flight.isBreakerProbe)
    }
    if wasClosed, breakers[way.breaker].state(at: now) != .closed { hasClosed = true }
    if case .unauthorized = outcome {
      keys[way.key].gate.shut(for: .closed, until: nil)
      hasClosed = true
    }
    if let usage {
      buckets[way.bucket].queue.correct(
        flight.product, flight.priority, by: usage.weight - flight.tokens)
    }
    if outcome == .succeeded { measure(flight, way.bucket, at: now) }
    touch(after: flight)
    if hasClosed { reconsider(after: flight.route, at: now) }
    return true
  }

  /// The call was never sent: nothing of it stays anywhere. False when it is not on its way.
  package mutating func release(_ ticket: Ticket, at now: MonotonicInstant) -> Bool {
    guard let flight = take(ticket) else { return false }
    let way = ways[flight.route]
    products[flight.product].meter.refund(flight.productPart, at: now)
    keys[way.key].meter.refund(flight.keyPart, at: now)
    buckets[way.bucket].bucket.advance(to: now)
    buckets[way.bucket].bucket.refund(flight.bucketPart, at: now)
    breakers[way.breaker].abandoned(isProbe: flight.isBreakerProbe)
    buckets[way.bucket].queue.correct(flight.product, flight.priority, by: -flight.tokens)
    touch(after: flight)
    return true
  }

  private mutating func take(_ ticket: Ticket) -> Flight? {
    guard let flight = flights[ticket.id], flight.ticket.serial == ticket.serial else {
      return nil
    }
    flights[ticket.id] = nil
    leases.remove(flight.lease)
    return flight
  }

  private mutating func measure(_ flight: Flight, _ bucket: Int, at now: MonotonicInstant) {
    let lasted = Double(flight.ticket.admittedAt.nanoseconds(until: now))
    let mean = buckets[bucket].meanDuration
    buckets[bucket].meanDuration = mean == 0 ? lasted : mean * 0.9 + lasted * 0.1
  }

  private mutating func touch(after flight: Flight) {
    let way = ways[flight.route]
    alarms[way.bucket].touch()
    if keys[way.key].isInTheWay {
      keys[way.key].isInTheWay = false
      touch(key: way.key)
    }
    if products[flight.product].isInTheWay {
      products[flight.product].isInTheWay = false
      touch(product: flight.product)
    }
  }

  // MARK: - What closes and opens

  /// A route closed: those who wait for it and cannot wait so long take another, or are refused.
  mutating func reconsider(after route: Int, at now: MonotonicInstant) {
    let way = ways[route]
    for bucket in Set(keys[way.key].buckets + [way.bucket]).sorted() {
      for id in buckets[bucket].queue.waiting { reconsider(id, at: now) }
    }
  }

  mutating func reconsider(_ id: UInt64, at now: MonotonicInstant) {
    guard var call = waiting[id] else { return }
    guard !products[call.product].isGone else {
      _ = take(id)
      return released.append(.refused(id: id, Refusal(.unknownProduct)))
    }
    let choice = choose(
      call.call, product: call.product, named: call.named, startBy: call.startBy, at: now)
    guard choice.refusal != nil || choice.routes != call.routes else { return }
    guard take(id) != nil else { return }
    if let refusal = choice.refusal {
      released.append(.refused(id: id, refusal))
      return
    }
    call.routes = choice.routes
    call.slots = []
    enqueue(call)
    for (bucket, _) in waiting[id]?.slots ?? [] { alarms[bucket].touch() }
  }

  /// Takes a key out: for a credential that was revoked, or a quota that the operator knows of.
  package mutating func close(
    key name: String, until end: MonotonicInstant?, at now: MonotonicInstant
  ) {
    guard let key = keyOf[name] else { return }
    keys[key].gate.shut(for: .closed, until: end)
    reconsiderAll(at: now)
  }

  /// The operator's word that a key works again.
  package mutating func reopen(key name: String, at now: MonotonicInstant) {
    guard let key = keyOf[name] else { return }
    keys[key].gate.reopen()
    reconsiderAll(at: now)
  }

  /// The operator's word that a bucket has quota again; its history stays.
  package mutating func reopen(bucket name: String, at now: MonotonicInstant) {
    guard let bucket = bucketOf[name] else { return }
    buckets[bucket].bucket.gate.reopen()
    reconsiderAll(at: now)
  }

  mutating func reconsiderAll(at now: MonotonicInstant) {
    for id in waiting.keys.sorted() { reconsider(id, at: now) }
    for bucket in alarms.indices { alarms[bucket].touch() }
  }
}
