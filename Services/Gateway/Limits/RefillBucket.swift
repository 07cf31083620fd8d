import GatewayPacing

/// One of the provider's token buckets as we believe it to be: it fills evenly, calls drain it,
/// and response headers correct it downwards.
///
/// It may go into debt: a call larger than the bucket leaves when the bucket is full.
struct RefillBucket: Sendable {
  private(set) var limit: Int64?
  private var reported: Int64?
  private let burst: Double
  private let mayRaise: Bool
  private let length: Double
  private var level: Double
  /// Of calls whose tokens the provider counts only as they are produced.
  private var held = 0.0
  private var latest: MonotonicInstant?

  init(limit: Int64?, policy: BucketPolicy, minute: Duration) {
    self.limit = limit
    burst = min(1, max(0.01, policy.burst))
    mayRaise = policy.headersMayRaise
    length = Double(max(1, minute.wholeNanoseconds))
    level = Double(limit ?? 0) * burst
  }

  /// The smaller of what is configured and what the provider says, unless it may raise.
  var inForce: Int64? {
    guard let limit, let reported else { return limit ?? reported }
    return mayRaise ? reported : min(limit, reported)
  }

  private var capacity: Double { Double(inForce ?? 0) * burst }

  mutating func set(_ limit: Int64?) {
    if let limit, inForce == nil { level = Double(limit) * burst }
    self.limit = limit
    level = min(level, capacity)
  }

  /// Fills at `pace` times the limit.
  mutating func advance(to now: MonotonicInstant, pace: Double) {
    defer { latest = max(latest ?? now, now) }
    guard let latest, now > latest, let inForce, level < capacity else { return }
    let elapsed = Double(latest.nanoseconds(until: now))
    level = min(capacity, level + elapsed * Double(inForce) * pace / length)
  }

  func fits(_ amount: Int64) -> Bool {
    guard inForce != nil, amount > 0 else { return true }
    return level - held + 1e-6 >= min(Double(amount), capacity)
  }

  func firstFit(_ amount: Int64, pace: Double) -> MonotonicInstant? {
    guard let latest, let inForce, inForce > 0 else { return nil }
    let wanted = min(Double(amount), capacity) + held
    guard wanted <= capacity else { return nil }
    let wait = max(0, wanted - level) * length / (Double(inForce) * pace)
    return latest.later(by: wait < 9e18 ? Int64(wait.rounded(.up)) : .max)
  }

  mutating func take(_ amount: Int64) { level -= Double(amount) }
  /// Gives back; a negative amount is taken.
  mutating func give(_ amount: Int64) { level = min(capacity, level + Double(amount)) }
  mutating func hold(_ amount: Int64) { held += Double(amount) }
  mutating func letGo(_ amount: Int64) { held = max(0, held - Double(amount)) }

  /// Our own calls are all taken off already, so that less at the provider means that others
  /// drain it too, or that it counts more than we do. More is believed only where allowed.
  mutating func correct(_ header: HeaderCount, rounding: Int64) {
    if let limit = header.limit, limit >= 0 {
      if inForce == nil { level = Double(limit) * burst }
      reported = limit
      level = min(level, capacity)
    }
    guard let remaining = header.remaining, inForce != nil else { return }
    let known = Double(max(0, min(remaining, CallNeed.tokensMax) - rounding))
    level = min(level, known)
  }
}
