package import GatewayPacing

/// When calls of one model are asked a second time, elsewhere, and how many of them may be.
package struct HedgePlan: Sendable, Equatable {
  package struct Policy: Sendable, Hashable {
    package enum After: Sendable, Hashable {
      case time(Duration)
      /// When so many of a hundred calls before it had begun to be answered.
      case percent(Int)
    }

    package var after: After
    /// Second attempts for a thousand calls; no more than these, however few calls there are.
    package var perThousand: Int64

    package init(after: After, perThousand: Int64) {
      self.after = after
      self.perThousand = perThousand
    }
  }

  /// Answers that are remembered, and how many make a share of them mean something.
  package static let answersMax = 128
  package static let answersMin = 20
  /// What a calm time saves up.
  private static let savedMost: Int64 = 10

  private var policy: Policy
  private var budget: RetryBudget
  /// How long answers took to begin, the oldest overwritten.
  private var times: [Int64] = []
  private var next = 0

  package init(_ policy: Policy) {
    self.policy = policy
    budget = RetryBudget(Self.budget(policy))
  }

  private static func budget(_ policy: Policy) -> RetryBudget.Policy {
    RetryBudget.Policy(perThousand: policy.perThousand, floor: 0, savedMost: savedMost)
  }

  package mutating func set(_ policy: Policy) {
    guard policy != self.policy else { return }
    self.policy = policy
    budget.set(Self.budget(policy))
  }

  /// A call is made for the first time.
  package mutating func called() { budget.called() }

  /// An answer began, or was given up, after so long.
  package mutating func answered(after time: Duration) {
    let nanoseconds = max(0, time.wholeNanoseconds)
    if times.count < Self.answersMax {
      times.append(nanoseconds)
    } else {
      times[next] = nanoseconds
      next = (next + 1) % Self.answersMax
    }
  }

  /// How long a first attempt is waited for; nil: as long as it takes, since too few are known.
  package var patience: Duration? {
    switch policy.after {
    case .time(let time): return time
    case .percent(let percent):
      guard times.count >= Self.answersMin else { return nil }
      let place = times.count * min(max(percent, 1), 100) / 100
      return .nanoseconds(times.sorted()[min(place, times.count - 1)])
    }
  }

  /// Whether a second attempt could be paid for out of both budgets.
  package func canSpend(_ retries: RetryBudget, at now: MonotonicInstant) -> Bool {
    budget.nextAt(now) == now && retries.nextAt(now).map { $0 <= now } ?? false
  }

  /// Takes a second attempt out of both budgets, or out of neither.
  package mutating func spend(_ retries: inout RetryBudget, at now: MonotonicInstant) -> Bool {
    guard canSpend(retries, at: now) else { return false }
    return budget.spend(at: now) && retries.spend(at: now)
  }
}
