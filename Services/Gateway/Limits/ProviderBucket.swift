import GatewayPacing

/// A provider's bucket as seen from here: our exact limits, its own counts as its headers tell
/// them, its gate, and the concurrency that it bears.
struct ProviderBucket: Sendable {
  struct Ticket: Sendable {
    fileprivate var meter: LimitMeter.Ticket
    fileprivate var charge: TokenCharge
    fileprivate var isProbe: Bool
    fileprivate var leftThroughOpenGate: Bool
  }

  private(set) var policy: BucketPolicy
  private(set) var meter: LimitMeter
  private(set) var adaptive: AdaptiveConcurrency
  var gate = BucketGate()
  private var requests: RefillBucket
  private var input: RefillBucket
  private var output: RefillBucket
  /// Below 1 after a 429 that named no time.
  private(set) var pace = 1.0
  private var latest: MonotonicInstant?

  init(_ limits: ScopeLimits, policy: BucketPolicy, times: LimitTimes) {
    self.policy = policy
    meter = LimitMeter(limits, law: policy.law, times: times)
    adaptive = AdaptiveConcurrency(policy.concurrency)
    let refill = { RefillBucket(limit: $0, policy: policy, minute: times.minute) }
    requests = refill(limits.requestsPerMinute)
    input = refill(limits.inputTokensPerMinute)
    output = refill(limits.outputTokensPerMinute)
  }

  /// New limits over the same history. A new law of counting needs a new bucket.
  mutating func set(_ limits: ScopeLimits, policy: BucketPolicy) {
    meter.set(limits)
    requests.set(limits.requestsPerMinute)
    input.set(limits.inputTokensPerMinute)
    output.set(limits.outputTokensPerMinute)
    adaptive.set(policy.concurrency)
    self.policy = policy
  }

  mutating func advance(to now: MonotonicInstant) {
    if pace < 1, let latest, now > latest {
      let recovery = max(1, policy.paceRecovery.wholeNanoseconds)
      pace = min(1, pace + Double(latest.nanoseconds(until: now)) / Double(recovery))
    }
    latest = max(latest ?? now, now)
    meter.advance(to: now)
    requests.advance(to: now, pace: pace)
    input.advance(to: now, pace: pace)
    output.advance(to: now, pace: pace)
  }

  /// The limit that this can never be within.
  func excess(of need: CallNeed) -> LimitKind? { meter.excess(of: meter.law.charge(for: need)) }

  /// What holds back every call of the bucket, whatever its size.
  mutating func common(at now: MonotonicInstant) -> Obstacle {
    advance(to: now)
    var obstacle = Obstacle()
    switch gate.state(at: now) {
    case .open, .probing(false): break
    case .closed(let end): obstacle.add(.retryAfter, until: end)
    case .probing(true): obstacle.add(.probing, until: nil)
    case .shut(let reason, let end): obstacle.add(reason, until: end)
    }
    if meter.inFlight >= adaptive.limit { obstacle.add(.adaptiveConcurrency, until: nil) }
    if !requests.fits(1) {
      obstacle.add(.providerCount(.requests), until: requests.firstFit(1, pace: pace))
    }
    meter.check(TokenCharge(input: 0, output: 0), as: .bucket, at: now, into: &obstacle)
    return obstacle
  }

  /// Adds what is in the way of tokens; `common` is known to be nothing.
  mutating func check(_ need: CallNeed, at now: MonotonicInstant, into obstacle: inout Obstacle) {
    let charge = meter.law.charge(for: need)
    meter.check(charge, as: .bucket, at: now, into: &obstacle)
    if !input.fits(charge.input) {
      obstacle.add(
        .providerCount(.inputTokens), until: input.firstFit(charge.input, pace: pace))
    }
    if !output.fits(charge.output) {
      obstacle.add(
        .providerCount(.outputTokens), until: output.firstFit(charge.output, pace: pace))
    }
  }

  mutating func take(_ need: CallNeed, at now: MonotonicInstant) -> Ticket {
    let charge = meter.law.charge(for: need)
    requests.take(1)
    input.take(charge.input)
    if meter.law.output == .asProduced {
      output.hold(charge.output)
    } else {
      output.take(charge.output)
    }
    let isProbe = gate.pass(at: now)
    let ticket = Ticket(
      meter: meter.take(charge, at: now), charge: charge, isProbe: isProbe,
      leftThroughOpenGate: gate.state(at: now) == .open)
    adaptive.left(inFlight: meter.inFlight)
    return ticket
  }

  /// The call ended; nil usage counts as all that was reserved.
  mutating func settle(_ ticket: Ticket, _ settlement: Settlement, at now: MonotonicInstant) {
    let usage = settlement.usage
    let hasFailed = settlement.outcome.isFailure
    meter.settle(ticket.meter, usage, hasFailed: hasFailed, at: now)
    let law = meter.law
    let actual = usage.map(law.charge(for:))
    if let actual, law.output != .withInput, !(hasFailed && law.countsFailures) {
      input.give(ticket.charge.input - actual.input)
      if law.output == .whenAsked { output.give(ticket.charge.output - actual.output) }
    }
    if law.output == .asProduced {
      output.letGo(ticket.charge.output)
      output.take(actual?.output ?? ticket.charge.output)
    }
    if let headers = settlement.headers { read(headers, at: now) }
  }

  /// The call was never sent.
  mutating func refund(_ ticket: Ticket, at now: MonotonicInstant) {
    meter.refund(ticket.meter, at: now)
    requests.give(1)
    input.give(ticket.charge.input)
    if meter.law.output == .asProduced {
      output.letGo(ticket.charge.output)
    } else {
      output.give(ticket.charge.output)
    }
    if ticket.isProbe { gate.probeEnded(hasAnswered: false) }
  }

  /// The provider has begun to answer: the gate need not wait for the end.
  mutating func answered(
    _ ticket: inout Ticket, _ headers: ProviderHeaders?, at now: MonotonicInstant
  ) {
    if ticket.isProbe { gate.probeEnded(hasAnswered: true) }
    ticket.isProbe = false
    if let headers { read(headers, at: now) }
  }

  /// What the outcome says of the bucket. True when it closed, or closed for longer.
  mutating func learn<R: RandomNumberGenerator>(
    _ outcome: CallOutcome, of ticket: Ticket, at now: MonotonicInstant, using random: inout R
  ) -> Bool {
    if ticket.isProbe {
      gate.probeEnded(hasAnswered: outcome.passedGate)
    } else if outcome.passedGate, ticket.leftThroughOpenGate, gate.state(at: now) == .open {
      gate.prove()
    }
    switch outcome {
    case .succeeded:
      adaptive.succeeded(at: now)
      return false
    case .rateLimited(let wait):
      adaptive.overloaded(at: now)
      return close(for: wait, at: now, using: &random)
    case .overloaded(let wait):
      adaptive.overloaded(at: now)
      guard wait != nil else { return false }
      return close(for: wait, at: now, using: &random)
    case .quotaExhausted(let end):
      gate.shut(for: .quotaExhausted, until: end)
      return true
    case .broken, .unauthorized, .rejected, .abandoned:
      return false
    }
  }

  private mutating func close<R: RandomNumberGenerator>(
    for wait: Duration?, at now: MonotonicInstant, using random: inout R
  ) -> Bool {
    if let wait, wait >= .zero {
      gate.close(until: now + min(wait, policy.retryAfterMost))
      return true
    }
    guard gate.closeWithBackoff(policy, at: now, using: &random) else { return false }
    pace = max(0.1, pace / 2)
    return true
  }

  private mutating func read(_ headers: ProviderHeaders, at now: MonotonicInstant) {
    if let header = headers.requests { requests.correct(header, rounding: 0) }
    if let header = headers.inputTokens { input.correct(header, rounding: policy.headerRounding) }
    if let header = headers.outputTokens { output.correct(header, rounding: policy.headerRounding) }
    guard policy.refillsAtReset else { return }
    for header in [headers.requests, headers.inputTokens, headers.outputTokens] {
      guard let header, header.remaining == 0, let wait = header.resetAfter, wait > .zero else {
        continue
      }
      gate.close(until: now + min(wait, policy.retryAfterMost))
    }
  }
}
