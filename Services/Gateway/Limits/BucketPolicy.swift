package import GatewayPacing

/// How one provider bucket is mirrored and approached.
package struct BucketPolicy: Sendable, Equatable {
  package var law: CountingLaw
  /// The part of a limit that may leave at once; below 1 where a provider holds a limit per
  /// minute to every second, and the shorter the longest pause.
  package var burst: Double
  /// Whether a header may raise a limit above what is configured.
  package var headersMayRaise: Bool
  /// Whether nothing comes back before `reset`, instead of evenly.
  package var refillsAtReset: Bool
  /// By how much a token count in a header may be too high.
  package var headerRounding: Int64
  /// After a 429 that names no time: full jitter up to `backoffFirst`, doubled with each in a
  /// row up to `backoffMost`, at least `backoffLeast`.
  package var backoffFirst: Duration
  package var backoffMost: Duration
  package var backoffLeast: Duration
  /// A time that a provider names is believed up to here.
  package var retryAfterMost: Duration
  /// After such a 429 the rate is halved, and full again after this long.
  package var paceRecovery: Duration
  package var concurrency: AdaptiveConcurrency.Policy

  package init(
    law: CountingLaw, burst: Double = 1, headersMayRaise: Bool = false,
    refillsAtReset: Bool = false, headerRounding: Int64 = 500,
    backoffFirst: Duration = .seconds(1), backoffMost: Duration = .seconds(60),
    backoffLeast: Duration = .milliseconds(100), retryAfterMost: Duration = .seconds(3600),
    paceRecovery: Duration = .seconds(60),
    concurrency: AdaptiveConcurrency.Policy = AdaptiveConcurrency.Policy()
  ) {
    self.law = law
    self.burst = burst
    self.headersMayRaise = headersMayRaise
    self.refillsAtReset = refillsAtReset
    self.headerRounding = headerRounding
    self.backoffFirst = backoffFirst
    self.backoffMost = backoffMost
    self.backoffLeast = backoffLeast
    self.retryAfterMost = retryAfterMost
    self.paceRecovery = paceRecovery
    self.concurrency = concurrency
  }
}
