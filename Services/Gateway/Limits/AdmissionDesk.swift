// GatewayLimits: decides when a call may leave. Exact sliding windows per product, key and
// provider bucket, the provider's own counts and gates, breakers, retries and a fair queue, as
// plain values: time and chance are passed in. It sends nothing, sleeps never, and knows no
// money. Limits: `DeskPolicy`, `BucketPolicy`, `SlidingWindow.exactEntriesMax`.

package import GatewayPacing

/// The one place where a call is let go: at once, later, or not.
///
/// Admission is all or nothing over every limit at once; a wait or a refusal consumes nothing
/// anywhere. Ask, then call `next` at `wakeAt` and after every `settle`, `release` or `cancel`.
/// Every ticket is settled or released once; one that is not is lost after its lease. A caller
/// that reserves money before it asks gives it back when the desk refuses.
///
/// For n waiting calls and p products that wait for the same bucket: `ask`, `cancel` and
/// `settle` take O(log n + p), `next` the same for each call that it lets go.
package struct AdmissionDesk: Sendable {
  var policy: DeskPolicy
  var products: [ProductState] = []
  var keys: [KeyState] = []
  var buckets: [BucketState] = []
  var alarms: [BucketAlarm] = []
  var ways: [Way] = []
  var breakers: [CircuitBreaker] = []
  var productOf: [String: Int] = [:]
  var keyOf: [String: Int] = [:]
  var bucketOf: [String: Int] = [:]
  var wayOf: [String: Int] = [:]
  var breakerOf: [BreakerName: Int] = [:]

  var waiting: [UInt64: WaitingCall] = [:]
  var flights: [UInt64: Flight] = [:]
  var deadlines = HandleHeap()
  var leases = HandleHeap()
  var sticky = StickyRoutes()
  var serial: UInt64 = 0
  /// What `next` will say.
  var released: [Released] = []

  struct BreakerName: Hashable, Sendable {
    let provider: String
    let modelClass: String
    let key: String
  }

  package init(_ configuration: DeskConfiguration) throws(DeskFlaw) {
    policy = configuration.policy
    try reload(configuration, at: MonotonicInstant(nanoseconds: .min))
  }

  package var waitingCount: Int { waiting.count }
  package var inFlightCount: Int { flights.count }

  /// When `next` must be called if nothing else happens; nil while nobody waits for time.
  package var wakeAt: MonotonicInstant? {
    guard released.isEmpty else { return MonotonicInstant(nanoseconds: .min) }
    var earliest = [deadlines.top?.key, leases.top?.key].compactMap { $0 }.min()
      .map { MonotonicInstant(nanoseconds: $0).later(by: 1) }
    for alarm in alarms where alarm.waiting > 0 {
      if alarm.isDirty { return MonotonicInstant(nanoseconds: .min) }
      if let wake = alarm.wakeAt { earliest = earliest.map { min($0, wake) } ?? wake }
    }
    return earliest
  }

  /// `wakeAt` where anybody waits. Said in place: whoever reads a property of a desk that others
  /// may change copies the desk first.
  package mutating func nextWake() -> MonotonicInstant? { waiting.isEmpty ? nil : wakeAt }

  /// Takes a waiting call out; false when it does not wait.
  package mutating func cancel(_ id: UInt64) -> Bool { take(id) != nil }

  /// Looks at all that may have changed by `now`: who goes, who waited too long, what was lost.
  package mutating func next(at now: MonotonicInstant) -> [Released] {
    expireLeases(at: now)
    expireDeadlines(at: now)
    // A pass may free what another bucket waits for; each frees less than it found.
    for _ in 0..<8 {
      var isQuiet = true
      for bucket in alarms.indices where alarms[bucket].isDue(at: now) {
        isQuiet = false
        pass(bucket, at: now)
      }
      if isQuiet { break }
    }
    let result = released
    released.removeAll(keepingCapacity: true)
    return result
  }

  private mutating func expireDeadlines(at now: MonotonicInstant) {
    while let (key, value) = deadlines.top, key < now.nanoseconds {
      let id = UInt64(bitPattern: Int64(value))
      let opensAt = waiting[id].flatMap { opening(for: $0, at: now) }
      guard take(id) != nil else { break }
      let retryAfter = opensAt.map { max(.zero, $0 - now) }
      released.append(.refused(id: id, Refusal(.deadline, retryAfter: retryAfter)))
    }
  }

  private mutating func expireLeases(at now: MonotonicInstant) {
    while let (key, value) = leases.top, key < now.nanoseconds {
      guard let flight = flights[UInt64(bitPattern: Int64(value))] else { break }
      var none = NoChance()
      _ = settle(flight.ticket, Settlement(.abandoned, usage: nil), at: now, using: &none)
      released.append(.lost(flight.ticket))
    }
  }

  // MARK: - Who goes

  /// Lets go, in fair order, all that may; stops when nobody may.
  private mutating func pass(_ bucket: Int, at now: MonotonicInstant) {
    alarms[bucket].isDirty = false
    repeat {
      let common = buckets[bucket].bucket.common(at: now)
      guard common.isNone else {
        dropClaims(of: bucket)
        alarms[bucket].wakeAt = nil
        alarms[bucket].wake(at: common.until.map { max($0, now.later(by: 1)) })
        return
      }
    } while letOneGo(from: bucket, at: now)
  }

  private mutating func letOneGo(from bucket: Int, at now: MonotonicInstant) -> Bool {
    guard alarms[bucket].waiting > 0 else { return false }
    alarms[bucket].wakeAt = nil
    let isBatchFirst = buckets[bucket].queue.isBatchTurn(at: now)
    for isSecond in [false, true] {
      let priority: CallPriority = isBatchFirst != isSecond ? .batch : .interactive
      for line in 0..<buckets[bucket].queue.lineCount(priority) {
        for lane in 0..<buckets[bucket].queue.laneCount(priority, line: line) {
          let (head, smallest) = buckets[bucket].queue.candidate(priority, line: line, lane: lane)
          guard let head else { continue }
          if tryToGo(head, from: bucket, isHead: true, at: now) { return true }
          guard let smallest, smallest != head else { continue }
          if tryToGo(smallest, from: bucket, isHead: false, at: now) { return true }
        }
      }
    }
    return false
  }

  private mutating func tryToGo(
    _ slot: FairQueue.Slot, from bucket: Int, isHead: Bool, at now: MonotonicInstant
  ) -> Bool {
    guard let id = buckets[bucket].queue.ask(at: slot)?.id, let call = waiting[id] else {
      return false
    }
    var about: Obstacle?
    for index in 0..<call.routes.count where ways[call.routes[index]].bucket == bucket {
      let route = call.routes[index]
      let obstacle = obstacle(
        call.call.need, product: call.product, route: route, id: id,
        since: call.since, at: now)
      guard !obstacle.isNone else {
        go(call, by: route, from: bucket, at: now)
        return true
      }
      alarms[bucket].wake(at: obstacle.until.map { max($0, now.later(by: 1)) })
      about = about ?? obstacle
    }
    if isHead, let about { claim(for: id, about, in: bucket, at: now) }
    return false
  }

  private mutating func go(
    _ call: WaitingCall, by route: Int, from bucket: Int, at now: MonotonicInstant
  ) {
    for (place, slot) in call.slots {
      if place == bucket {
        buckets[place].queue.grant(slot)
        alarms[place].waiting -= 1
      } else {
        leave(slot, in: place)
      }
    }
    forget(call)
    released.append(.admitted(admit(call.call, product: call.product, by: route, at: now)))
  }

  /// Takes a call out of every queue, as if it had never been there.
  mutating func take(_ id: UInt64) -> WaitingCall? {
    guard let call = waiting[id] else { return nil }
    for (bucket, slot) in call.slots {
      leave(slot, in: bucket)
    }
    forget(call)
    return call
  }

  /// Who leaves the queue frees nothing, but may have hidden another that fits.
  private mutating func leave(_ slot: FairQueue.Slot, in bucket: Int) {
    if buckets[bucket].queue.isCandidate(slot) { alarms[bucket].isDirty = true }
    buckets[bucket].queue.remove(slot)
    alarms[bucket].waiting -= 1
  }

  private mutating func forget(_ call: WaitingCall) {
    waiting[call.call.id] = nil
    deadlines.remove(call.deadline)
    products[call.product].waiting -= 1
    for (bucket, _) in call.slots where buckets[bucket].claimant == call.call.id {
      dropClaims(of: bucket)
    }
  }
}

/// Where no chance is needed.
private struct NoChance: RandomNumberGenerator {
  mutating func next() -> UInt64 { 0 }
}
