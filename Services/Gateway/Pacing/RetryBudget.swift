/// How many calls may be made again: a part of all calls, and a few whatever happens, so that
/// light traffic can be helped too.
///
/// At any time: retries ≤ calls · part + floor · (1 + elapsed / floorPeriod).
package struct RetryBudget: Sendable, Equatable {
  package struct Policy: Sendable, Equatable {
    /// Retries per thousand calls.
    package var perThousand: Int64
    /// Always allowed within `floorPeriod`.
    package var floor: Int64
    package var floorPeriod: Duration
    /// What a calm time saves up at most.
    package var savedMost: Int64

    package init(
      perThousand: Int64 = 100, floor: Int64 = 10, floorPeriod: Duration = .seconds(60),
      savedMost: Int64 = 100
    ) {
      self.perThousand = max(0, perThousand)
      self.floor = max(0, min(floor, 1_000_000))
      self.floorPeriod = floorPeriod
      self.savedMost = max(0, min(savedMost, 1_000_000_000))
    }
  }

  private var policy: Policy
  /// In thousandths of a retry.
  private var saved: Int64 = 0
  private var floorLeft: Int64
  private var floorSince: MonotonicInstant?

  package init(_ policy: Policy) {
    self.policy = policy
    floorLeft = policy.floor
  }

  package mutating func set(_ policy: Policy) {
    self.policy = policy
    saved = min(saved, policy.savedMost * 1000)
    floorLeft = min(floorLeft, policy.floor)
  }

  /// A call is made for the first time.
  package mutating func called() {
    saved = min(policy.savedMost * 1000, saved + policy.perThousand)
  }

  /// Takes one retry, or says that there is none.
  package mutating func spend(at now: MonotonicInstant) -> Bool {
    if saved >= 1000 {
      saved -= 1000
      return true
    }
    if floorSince.map({ now >= $0 + policy.floorPeriod }) ?? true {
      floorSince = now
      floorLeft = policy.floor
    }
    guard floorLeft > 0 else { return false }
    floorLeft -= 1
    return true
  }

  /// When there may be one again, if no further call is made.
  package func nextAt(_ now: MonotonicInstant) -> MonotonicInstant? {
    if saved >= 1000 || floorLeft > 0 { return now }
    guard policy.floor > 0 else { return nil }
    return floorSince.map { max(now, $0 + policy.floorPeriod) } ?? now
  }
}
