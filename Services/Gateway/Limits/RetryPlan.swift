package import GatewayPacing

/// Whether, and when, a call that failed is made again. The only place that decides so.
package struct RetryPlan: Sendable, Equatable {
  package struct Policy: Sendable, Equatable {
    /// 0 means 0.
    package var retriesMax: Int
    /// 429s wait for their bucket and cost no retry, but not without an end.
    package var rateLimitedMax: Int
    /// Full jitter up to `backoffFirst`, doubled with each retry up to `backoffMost`.
    package var backoffFirst: Duration
    package var backoffMost: Duration
    /// A provider that wants us to wait longer is not waited for.
    package var retryAfterMost: Duration

    package init(
      retriesMax: Int = 4, rateLimitedMax: Int = 8, backoffFirst: Duration = .milliseconds(500),
      backoffMost: Duration = .seconds(30), retryAfterMost: Duration = .seconds(600)
    ) {
      self.retriesMax = max(0, retriesMax)
      self.rateLimitedMax = max(0, rateLimitedMax)
      self.backoffFirst = backoffFirst
      self.backoffMost = backoffMost
      self.retryAfterMost = retryAfterMost
    }
  }

  package enum Decision: Sendable, Equatable {
    /// Ask the desk again at this time.
    case retry(at: MonotonicInstant)
    case giveUp(Reason)
  }

  package enum Reason: Sendable, Equatable {
    /// Asking again would not change the answer.
    case final
    case attemptsUsedUp
    case budgetUsedUp
    /// It could not end before the caller's deadline.
    case deadline
    case retryAfterTooLong
  }

  private let policy: Policy
  package private(set) var retries = 0
  package private(set) var rateLimited = 0

  package init(_ policy: Policy) { self.policy = policy }

  /// Decides after one failed attempt. `deadline` is the caller's, `lasting` how long an attempt
  /// is expected to take; a retry is drawn from `budget` when, and only when, it is decided.
  package mutating func next(
    after outcome: CallOutcome, at now: MonotonicInstant, deadline: (MonotonicInstant, Duration)?,
    budget: inout RetryBudget, using random: inout some RandomNumberGenerator
  ) -> Decision {
    let earliest: MonotonicInstant
    switch outcome {
    case .succeeded, .quotaExhausted, .unauthorized, .rejected, .abandoned:
      return .giveUp(.final)
    case .rateLimited(let wait):
      // The gate of its bucket holds it back together with all others.
      earliest = now + (wait ?? .zero)
    case .overloaded(let wait):
      earliest = max(now + (wait ?? .zero), backoff(from: now, using: &random))
    case .broken:
      earliest = backoff(from: now, using: &random)
    }
    if mayCount(outcome), let wait = outcome.retryAfter, wait > policy.retryAfterMost {
      return .giveUp(.retryAfterTooLong)
    }
    return count(outcome, earliest, at: now, deadline: deadline, budget: &budget)
  }

  /// Decides the same where another provider or key stands open: what the one has said of when to
  /// come back does not hold for the other, so nobody waits. It is counted like any retry, for
  /// each of them is one more call that somebody may have to pay.
  package mutating func elsewhere(
    after outcome: CallOutcome, at now: MonotonicInstant, deadline: (MonotonicInstant, Duration)?,
    budget: inout RetryBudget
  ) -> Decision {
    guard !isFinal(outcome) else { return .giveUp(.final) }
    return count(outcome, now, at: now, deadline: deadline, budget: &budget)
  }

  private func mayCount(_ outcome: CallOutcome) -> Bool {
    guard policy.retriesMax > 0 else { return false }
    if case .rateLimited = outcome { return rateLimited < policy.rateLimitedMax }
    return retries < policy.retriesMax
  }

  private mutating func count(
    _ outcome: CallOutcome, _ earliest: MonotonicInstant, at now: MonotonicInstant,
    deadline: (MonotonicInstant, Duration)?, budget: inout RetryBudget
  ) -> Decision {
    guard mayCount(outcome) else { return .giveUp(.attemptsUsedUp) }
    if let (end, lasting) = deadline, earliest + lasting > end { return .giveUp(.deadline) }
    if case .rateLimited = outcome {
      rateLimited += 1
    } else {
      guard budget.spend(at: now) else { return .giveUp(.budgetUsedUp) }
      retries += 1
    }
    return .retry(at: earliest)
  }

  private func isFinal(_ outcome: CallOutcome) -> Bool {
    switch outcome {
    case .rateLimited, .overloaded, .broken: false
    default: true
    }
  }

  private func backoff(
    from now: MonotonicInstant, using random: inout some RandomNumberGenerator
  ) -> MonotonicInstant {
    let first = max(1, policy.backoffFirst.wholeNanoseconds)
    let most = max(first, policy.backoffMost.wholeNanoseconds)
    let doubled = first.multipliedReportingOverflow(by: 1 << min(retries, 20))
    let ceiling = doubled.overflow ? most : min(most, doubled.partialValue)
    return now.later(by: Int64.random(in: 0...ceiling, using: &random))
  }
}

extension CallOutcome {
  /// When the provider said that asking again may work.
  fileprivate var retryAfter: Duration? {
    switch self {
    case .rateLimited(let wait), .overloaded(let wait): wait
    default: nil
    }
  }
}
