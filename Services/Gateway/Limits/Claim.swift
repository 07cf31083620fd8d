import GatewayPacing

/// A call that waited long enough for tokens, and the place that is kept free for it.
struct Claim: Sendable, Equatable {
  let id: UInt64
  let since: MonotonicInstant
  let product: Int
  let bucket: Int
  /// In its bucket: for the whole bucket, or for its own product only.
  let holdsAll: Bool

  /// Only those whom other buckets keep a place for may be ahead, the longest waiting first, so
  /// that no two keep each other from going.
  func isAhead(of other: Contender) -> Bool {
    guard other.id != id else { return false }
    guard other.isClaimant, other.bucket != bucket else { return true }
    return (since, id) < (other.since, other.id)
  }

  func take(_ place: inout Claim?) {
    if let other = place, (other.since, other.id) < (since, id) { return }
    place = self
  }
}

/// A call that would go, as those see it who keep a place free.
struct Contender: Sendable {
  let id: UInt64
  let since: MonotonicInstant
  let bucket: Int
  let isClaimant: Bool
}

/// One product as the desk sees it.
struct ProductState: Sendable {
  var settings: DeskConfiguration.Product
  var meter: LimitMeter
  var claim: Claim?
  var waiting = 0
  /// Its limits keep somebody waiting, so that whoever ends a call must look further.
  var isInTheWay = false
  var isGone = false
}

/// One key as the desk sees it.
struct KeyState: Sendable {
  var settings: DeskConfiguration.Key
  var meter: LimitMeter
  var gate = BucketGate()
  var claim: Claim?
  var buckets: [Int] = []
  var isInTheWay = false
}

/// One provider bucket with those who wait for it.
struct BucketState: Sendable {
  var settings: DeskConfiguration.Bucket
  var bucket: ProviderBucket
  var queue: FairQueue
  var claim: Claim?
  /// The one waiting call of this bucket that keeps places free, here or elsewhere.
  var claimant: UInt64?
  var claimedScopes: ScopeSet = []
  /// How long its calls take, in nanoseconds.
  var meanDuration = 0.0
}

/// When to look again at those who wait for one bucket. Beside `BucketState`, and not in it,
/// because it is read for every call and a bucket is not copied for that.
struct BucketAlarm: Sendable {
  var waiting = 0
  /// Something ended since they were last looked at.
  var isDirty = false
  /// When time alone may let one of them go.
  var wakeAt: MonotonicInstant?

  func isDue(at now: MonotonicInstant) -> Bool {
    waiting > 0 && (isDirty || wakeAt.map { $0 <= now } ?? false)
  }

  mutating func touch() {
    if waiting > 0 { isDirty = true }
  }

  mutating func wake(at instant: MonotonicInstant?) {
    guard let instant else { return }
    wakeAt = wakeAt.map { min($0, instant) } ?? instant
  }

  mutating func entered() {
    // What was noted for those who waited before says nothing of this one.
    if waiting == 0 { self = BucketAlarm() }
    waiting += 1
  }
}

/// One route by the places of its parts.
struct Way: Sendable {
  var name: String
  var provider: String
  var key: Int
  var bucket: Int
  var breaker: Int
  var isGone = false
}

/// A call in the queue, or in several.
struct WaitingCall: Sendable {
  let call: Call
  let product: Int
  /// All that it named.
  let named: RouteList
  /// Those that it waits for.
  var routes: RouteList
  var slots: [(bucket: Int, slot: FairQueue.Slot)] = []
  let since: MonotonicInstant
  let startBy: MonotonicInstant
  var deadline: Int
}

/// A call on its way.
struct Flight: Sendable {
  let ticket: Ticket
  let product: Int
  let route: Int
  let priority: CallPriority
  let tokens: Int64
  let productPart: LimitMeter.Ticket
  let keyPart: LimitMeter.Ticket
  var bucketPart: ProviderBucket.Ticket
  var isBreakerProbe: Bool
  var hasAnswered = false
  var lease: Int
}
