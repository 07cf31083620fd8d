package import GatewayPacing

/// How much was used in any stretch of time of one length, exactly: not in fixed windows, not
/// by an average.
///
/// An amount counts from its reservation until `length + guardMargin` later. A request that is
/// reserved here arrives there later by some delay; as long as the delays of two requests differ
/// by no more than the guard, whoever counts at the other end never sees more than the limit in
/// any half-open window. The guard costs `guard / (length + guard)` of the limit.
///
/// Every amount keeps a time of its own while there are `exactEntriesMax`; beyond, neighbours
/// closer than `reach / exactEntriesMax` share the later of their times, which counts them
/// longer by so much and never shorter. So a window holds at most twice as many entries.
package struct SlidingWindow: Sendable {
  package static let exactEntriesMax = 16_384
  /// Amounts are cut to this, so that no sum overflows.
  package static let amountMax: Int64 = 1 << 40

  /// What was reserved, to be corrected or given back later.
  package struct Ticket: Sendable, Equatable {
    let entry: UInt64
    package fileprivate(set) var amount: Int64
    package static let none = Ticket(entry: .max, amount: 0)
  }

  /// Nil counts without an end, so that a limit set later knows what was used before it.
  package var limit: Int64? {
    didSet { if limit != nil, !isSummed { sumUp() } }
  }
  /// Reserved by calls that count only when they end (`hold`).
  package private(set) var held: Int64 = 0
  /// What counts now, without what is held.
  package private(set) var counted: Int64 = 0

  private let reach: Int64
  private let grain: Int64
  private var times: [Int64] = []
  private var amounts: [Int64] = []
  /// Only what has a limit is ever asked when more will fit, and needs its sums.
  private var sums = PrefixSums(capacity: 0)
  private var isSummed: Bool
  private var head: UInt64 = 0
  private var tail: UInt64 = 0
  private var firstTimeOfTail: Int64 = .min
  private var latest: Int64 = .min

  package init(limit: Int64?, length: Duration, guardMargin: Duration) {
    self.limit = limit
    isSummed = limit != nil
    reach = max(
      1,
      MonotonicInstant(nanoseconds: length.wholeNanoseconds)
        .later(by: guardMargin.wholeNanoseconds).nanoseconds)
    grain = reach / Int64(Self.exactEntriesMax)
  }

  package var used: Int64 { counted + held }
  package var entryCount: Int { Int(tail - head) }

  /// Forgets what is older than the window. Time that goes back stands still.
  package mutating func advance(to now: MonotonicInstant) {
    latest = max(latest, now.nanoseconds)
    let oldest = latest.subtractingReportingOverflow(reach)
    guard !oldest.overflow else { return }
    while head < tail, times[slot(head)] <= oldest.partialValue {
      let slot = slot(head)
      if amounts[slot] != 0 {
        counted -= amounts[slot]
        if isSummed { sums.add(-amounts[slot], at: slot) }
        amounts[slot] = 0
      }
      head += 1
    }
  }

  /// Whether `amount` more is within the limit, at the time of the last `advance`.
  package func fits(_ amount: Int64) -> Bool {
    guard let limit, amount > 0 else { return true }
    return used + min(amount, Self.amountMax) <= limit
  }

  /// Whether it ever can be.
  package func canHold(_ amount: Int64) -> Bool { limit.map { amount <= $0 } ?? true }

  /// When `amount` will be within the limit if nothing else is reserved. Nil when only the end of
  /// something held, or a new limit, can make it so.
  package func firstFit(_ amount: Int64) -> MonotonicInstant? {
    guard let limit, amount > 0 else { return MonotonicInstant(nanoseconds: latest) }
    let excess = used + min(amount, Self.amountMax) - limit
    guard excess > 0 else { return MonotonicInstant(nanoseconds: latest) }
    guard excess <= counted else { return nil }
    let first = slot(head)
    let before = sums.sum(before: first)
    let untilEnd = counted - before
    let found =
      excess <= untilEnd
      ? sums.slot(reaching: excess + before) : sums.slot(reaching: excess - untilEnd)
    return MonotonicInstant(nanoseconds: times[found]).later(by: reach)
  }

  /// Counts `amount` from now on, whether it fits or not.
  package mutating func reserve(_ amount: Int64, at now: MonotonicInstant) -> Ticket {
    advance(to: now)
    let amount = min(amount, Self.amountMax)
    guard amount > 0 else { return .none }
    if sharesTail() {
      times[slot(tail - 1)] = latest
    } else {
      if Int(tail - head) == times.count { grow() }
      times[slot(tail)] = latest
      firstTimeOfTail = latest
      tail += 1
    }
    change(tail - 1, by: amount)
    return Ticket(entry: tail - 1, amount: amount)
  }

  /// Makes a reservation what it came to, at the time that it has. What is forgotten stays so.
  package mutating func correct(_ ticket: inout Ticket, to amount: Int64) {
    let amount = max(0, min(amount, Self.amountMax))
    defer { ticket.amount = amount }
    guard ticket.entry >= head, ticket.entry < tail else { return }
    change(ticket.entry, by: amount - ticket.amount)
  }

  /// Keeps `amount` until `settle`: for what is used bit by bit until the call ends.
  package mutating func hold(_ amount: Int64) { held += max(0, min(amount, Self.amountMax)) }

  /// Counts what a held amount came to from now on, as if all of it was used just now.
  package mutating func settle(held amount: Int64, as actual: Int64, at now: MonotonicInstant) {
    held -= max(0, min(amount, Self.amountMax))
    _ = reserve(actual, at: now)
  }

  // MARK: - The ring

  private func slot(_ entry: UInt64) -> Int {
    Int(truncatingIfNeeded: entry) & (times.count - 1)
  }

  private func sharesTail() -> Bool {
    guard head < tail else { return false }
    if times[slot(tail - 1)] == latest { return true }
    return Int(tail - head) >= Self.exactEntriesMax && latest - firstTimeOfTail < grain
  }

  private mutating func change(_ entry: UInt64, by delta: Int64) {
    guard delta != 0 else { return }
    amounts[slot(entry)] += delta
    counted += delta
    if isSummed { sums.add(delta, at: slot(entry)) }
  }

  private mutating func sumUp() {
    isSummed = true
    sums = PrefixSums(capacity: times.count)
    for entry in head..<tail { sums.add(amounts[slot(entry)], at: slot(entry)) }
  }

  private mutating func grow() {
    let capacity = max(16, times.count * 2)
    var grown = SlidingWindow.Ring(capacity: capacity, isSummed: isSummed)
    for entry in head..<tail {
      let place = Int(truncatingIfNeeded: entry) & (capacity - 1)
      grown.times[place] = times[slot(entry)]
      grown.amounts[place] = amounts[slot(entry)]
      if isSummed { grown.sums.add(amounts[slot(entry)], at: place) }
    }
    times = grown.times
    amounts = grown.amounts
    sums = grown.sums
  }

  private struct Ring {
    var times: [Int64]
    var amounts: [Int64]
    var sums: PrefixSums

    init(capacity: Int, isSummed: Bool) {
      times = Array(repeating: 0, count: capacity)
      amounts = times
      sums = PrefixSums(capacity: isSummed ? capacity : 0)
    }
  }
}
