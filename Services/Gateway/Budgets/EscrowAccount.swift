/// One account as calls draw from it: what is spent, what is held, and how much of its cap is
/// known to the disk to be spoken for.
///
/// `ceiling` never exceeds what was synced. Whatever lies below it counts as spent after a power
/// cut, so that a draw below it needs no disk.
package struct EscrowAccount: Hashable, Sendable {
  package let id: Int64
  package let key: AccountKey
  package var cap: Int64
  package var settled: Int64
  package var uncertain: Int64
  package var ceiling: Int64
  package var held: Int64 = 0
  /// How far ahead of use the ceiling is kept: it grows when calls had to wait for it, and
  /// when it does not last.
  package private(set) var chunk = BudgetLimits.chunkMin
  /// The ceiling that has been asked for.
  package private(set) var raising: Int64?
  /// Whether a call had to wait since the ceiling was raised last: the chunk was too small.
  private var wasShort = false
  /// When the latest ceiling was asked for, in milliseconds since 1970.
  private var raisedAt: Int64?
  /// Calls that wait for it, and what they want together.
  package private(set) var waitingCount = 0
  package var wanted: Int64 = 0
  /// Attempts that drew from it and whose lines are not committed.
  package var liveCount = 0
  package var touched: Int64 = 0

  package init(
    id: Int64, key: AccountKey, cap: Int64, settled: Int64, uncertain: Int64, ceiling: Int64
  ) {
    self.id = id
    self.key = key
    self.cap = cap
    self.settled = settled
    self.uncertain = uncertain
    self.ceiling = ceiling
  }

  package var used: Int64 { settled.adding(held).adding(uncertain) }

  package enum Answer { case fits, wait, refused }

  package func answer(to amount: Int64) -> Answer {
    if amount > cap.subtracting(used) { return .refused }
    return amount <= ceiling.subtracting(used) ? .fits : .wait
  }

  /// The ceiling to ask for; nil when there is enough, no more to have, or one asked for already.
  package mutating func raise() -> Int64? {
    guard raising == nil else { return nil }
    let free = ceiling.subtracting(used)
    guard wanted > 0 || free < chunk / 2 else { return nil }
    // Near the cap a chunk is only a part of what is left: what a power cut takes is small.
    let rest = max(0, cap.subtracting(used).subtracting(wanted))
    let ahead = min(chunk, max(rest / 4, min(rest, BudgetLimits.chunkMin / 16)))
    let target = min(cap, used.adding(wanted).adding(ahead))
    guard target > ceiling else { return nil }
    if let raisedAt, touched - raisedAt < BudgetLimits.chunkMilliseconds { grow() }
    raisedAt = touched
    raising = target
    return target
  }

  private mutating func grow() { chunk = min(chunk.adding(chunk), BudgetLimits.chunkMax) }

  /// A call waits for so much.
  package mutating func waits(for amount: Int64) {
    waitingCount += 1
    wanted.grow(by: amount)
    if !wasShort { grow() }
    wasShort = true
  }

  package mutating func waitsNoMore(for amount: Int64) {
    waitingCount -= 1
    wanted -= amount
  }

  /// The disk knows of it. A cap that was lowered meanwhile stays the limit.
  package mutating func raised(to target: Int64) {
    ceiling = max(ceiling, min(target, cap))
    raising = nil
    wasShort = false
  }

  /// The disk has added what was spent beyond a hold.
  package mutating func exceeded(by excess: Int64) {
    ceiling = max(ceiling, min(ceiling.adding(excess), max(cap, used)))
  }

  /// Gives back what a lower cap does not allow; nil when there is nothing.
  package mutating func lower(to newCap: Int64) -> Int64? {
    cap = newCap
    guard ceiling > newCap else { return nil }
    ceiling = max(used, newCap)
    return ceiling
  }

  package var isIdle: Bool { liveCount == 0 && waitingCount == 0 && raising == nil }
}
