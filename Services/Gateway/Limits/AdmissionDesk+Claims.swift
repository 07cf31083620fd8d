import GatewayPacing

extension AdmissionDesk {
  /// What is in the way of a call on one route, over all limits; everything is up to `now` then.
  mutating func obstacle(
    _ need: CallNeed, product: Int, route: Int, id: UInt64, since: MonotonicInstant,
    at now: MonotonicInstant
  ) -> Obstacle {
    let (key, bucket, breaker) = (ways[route].key, ways[route].bucket, ways[route].breaker)
    var obstacle = buckets[bucket].bucket.common(at: now)
    if obstacle.isNone { buckets[bucket].bucket.check(need, at: now, into: &obstacle) }
    switch breakers[breaker].state(at: now) {
    case .closed, .halfOpen(false): break
    case .open(let end): obstacle.add(.breakerOpen, until: end)
    case .halfOpen(true): obstacle.add(.probing, until: nil)
    }
    if case .shut(let reason, let end) = keys[key].gate.state(at: now) {
      obstacle.add(reason, until: end)
    }
    let charge = CountingLaw.own.charge(for: need)
    keys[key].meter.check(charge, as: .key, at: now, into: &obstacle)
    products[product].meter.check(charge, as: .product, at: now, into: &obstacle)
    if obstacle.scopes.contains(.product) { products[product].isInTheWay = true }
    if obstacle.scopes.contains(.key) { keys[key].isInTheWay = true }
    let own = Contender(
      id: id, since: since, bucket: bucket, isClaimant: buckets[bucket].claimant == id)
    if let claim = buckets[bucket].claim, claim.holdsAll || claim.product == product {
      obstacle.add(claim, at: .bucket, against: own)
    }
    if let claim = keys[key].claim { obstacle.add(claim, at: .key, against: own) }
    if let claim = products[product].claim { obstacle.add(claim, at: .product, against: own) }
    return obstacle
  }

  /// The call whose turn it is could not go. After `headWait` no smaller call overtakes it: not
  /// of its product in this bucket, and nobody where tokens are what it waits for.
  mutating func claim(
    for id: UInt64, _ obstacle: Obstacle, in bucket: Int, at now: MonotonicInstant
  ) {
    guard !obstacle.isClosed else {
      // What is kept free elsewhere would lie idle.
      if buckets[bucket].claimant == id { dropClaims(of: bucket) }
      return
    }
    guard let call = waiting[id], obstacle.isAboutSize, call.since + policy.headWait <= now else {
      return
    }
    // Whose turn it was first goes first.
    if let other = buckets[bucket].claimant, other != id { return }
    let wasDirty = alarms[bucket].isDirty
    let isNew = buckets[bucket].claimant != id
    let holdsAll = obstacle.tokenScopes.contains(.bucket)
    guard isNew || buckets[bucket].claimedScopes != obstacle.tokenScopes else { return }
    dropClaims(of: bucket)
    alarms[bucket].isDirty = wasDirty
    let claim = Claim(
      id: id, since: call.since, product: call.product, bucket: bucket, holdsAll: holdsAll)
    buckets[bucket].claimant = id
    buckets[bucket].claimedScopes = obstacle.tokenScopes
    buckets[bucket].claim = claim
    let key = ways[call.routes[0]].key
    if obstacle.tokenScopes.contains(.key) { claim.take(&keys[key].claim) }
    if obstacle.tokenScopes.contains(.product) { claim.take(&products[call.product].claim) }
  }

  /// Nobody of this bucket keeps a place free any more.
  mutating func dropClaims(of bucket: Int) {
    guard let id = buckets[bucket].claimant else { return }
    let (scopes, product) = (buckets[bucket].claimedScopes, buckets[bucket].claim?.product)
    buckets[bucket].claimant = nil
    buckets[bucket].claim = nil
    alarms[bucket].touch()
    if scopes.contains(.key) {
      for key in keys.indices where keys[key].claim?.id == id {
        keys[key].claim = nil
        touch(key: key)
      }
    }
    if scopes.contains(.product), let product, products[product].claim?.id == id {
      products[product].claim = nil
      touch(product: product)
    }
  }

  /// Those who wait for a limit of this product look again.
  mutating func touch(product: Int) {
    guard products[product].waiting > 0 else { return }
    for bucket in alarms.indices { alarms[bucket].touch() }
  }

  mutating func touch(key: Int) {
    for bucket in keys[key].buckets { alarms[bucket].touch() }
  }
}
