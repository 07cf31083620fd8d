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
    guard policy.retriesMax > 0 else { return .giveUp(isFinal(outcome) ? .final : .attemptsUsedUp) }
    let earliest: MonotonicInstant
    var isFree = false
    switch outcome {
    case .succeeded, .quotaExhausted, .unauthorized, .rejected, .abandoned:
      return .giveUp(.final)
    case .rateLimited(let wait):
      guard rateLimited < policy.rateLimitedMax else { return .giveUp(.attemptsUsedUp) }
      // The gate of its bucket holds it back together with all others.
      isFree = true
      earliest = now + (wait ?? .zero)
      if let wait, wait > policy.retryAfterMost { return .giveUp(.retryAfterTooLong) }
    case .overloaded(let wait):
      earliest = max(now + (wait ?? .zero), backoff(from: now, using: &random))
      if let wait, wait > policy.retryAfterMost { return .giveUp(.retryAfterTooLong) }
    case .broken:
      earliest = backoff(from: now, using: &random)
    }
    guard isFree || retries < policy.retriesMax else { return .giveUp(.attemptsUsedUp) }
    if let (end, lasting) = deadline, earliest + lasting > end { return .giveUp(.deadline) }
    guard isFree || budget.spend(at: now) else { return .giveUp(.budgetUsedUp) }
    if isFree { rateLimited += 1 } else { retries += 1 }
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
