import GatewayPacing

/// All that one product, key or provider bucket has used, against its limits.
///
/// What has no limit is counted too, so that a limit set while we run knows the last minute.
struct LimitMeter: Sendable {
  /// What one call took; given back to the meter exactly once.
  struct Ticket: Sendable {
    fileprivate var requests: SlidingWindow.Ticket
    fileprivate var calls: SlidingWindow.Ticket
    fileprivate var input: SlidingWindow.Ticket
    fileprivate var output: SlidingWindow.Ticket
    fileprivate var heldOutput: Int64
  }

  let law: CountingLaw
  private(set) var requests: SlidingWindow
  private(set) var calls: SlidingWindow
  private(set) var input: SlidingWindow
  private(set) var output: SlidingWindow
  private(set) var inFlight: Int64 = 0
  private(set) var concurrency: Int64?

  init(_ limits: ScopeLimits, law: CountingLaw, times: LimitTimes) {
    self.law = law
    let window = { (limit: Int64?, length: Duration) in
      SlidingWindow(limit: limit, length: length, guardMargin: times.guardMargin)
    }
    requests = window(limits.requestsPerMinute, times.minute)
    calls = window(limits.callsPerHour, times.hour)
    input = window(limits.inputTokensPerMinute, times.minute)
    output = window(limits.outputTokensPerMinute, times.minute)
    concurrency = limits.concurrency
  }

  /// New limits over the same history.
  mutating func set(_ limits: ScopeLimits) {
    requests.limit = limits.requestsPerMinute
    calls.limit = limits.callsPerHour
    input.limit = limits.inputTokensPerMinute
    output.limit = limits.outputTokensPerMinute
    concurrency = limits.concurrency
  }

  mutating func advance(to now: MonotonicInstant) {
    requests.advance(to: now)
    calls.advance(to: now)
    input.advance(to: now)
    output.advance(to: now)
  }

  /// The limit that this can never be within.
  func excess(of charge: TokenCharge) -> LimitKind? {
    if !requests.canHold(1) { return .requests }
    if !calls.canHold(1) { return .callsPerHour }
    if !input.canHold(charge.input) { return .inputTokens }
    if !output.canHold(charge.output) { return .outputTokens }
    if let concurrency, concurrency < 1 { return .concurrency }
    return nil
  }

  /// Adds to `obstacle` what of this meter is in the way.
  mutating func check(
    _ charge: TokenCharge, as scope: LimitScope, at now: MonotonicInstant,
    into obstacle: inout Obstacle
  ) {
    advance(to: now)
    if let concurrency, inFlight >= concurrency {
      obstacle.add(.limit(scope, .concurrency), until: nil)
    }
    if !requests.fits(1) {
      obstacle.add(.limit(scope, .requests), until: requests.firstFit(1))
    }
    if !calls.fits(1) {
      obstacle.add(.limit(scope, .callsPerHour), until: calls.firstFit(1))
    }
    if !input.fits(charge.input) {
      obstacle.add(.limit(scope, .inputTokens), until: input.firstFit(charge.input))
    }
    if !output.fits(charge.output) {
      obstacle.add(.limit(scope, .outputTokens), until: output.firstFit(charge.output))
    }
  }

  mutating func take(_ charge: TokenCharge, at now: MonotonicInstant) -> Ticket {
    inFlight += 1
    let isHeld = law.output == .asProduced
    if isHeld { output.hold(charge.output) }
    return Ticket(
      requests: requests.reserve(1, at: now), calls: calls.reserve(1, at: now),
      input: input.reserve(charge.input, at: now),
      output: isHeld ? .none : output.reserve(charge.output, at: now),
      heldOutput: isHeld ? charge.output : 0)
  }

  /// The call ended; nil usage is unknown, and counts as all that was reserved.
  mutating func settle(
    _ ticket: Ticket, _ usage: TokenUsage?, hasFailed: Bool, at now: MonotonicInstant
  ) {
    inFlight -= 1
    let charge = usage.map(law.charge(for:))
    let isFinal = law.output == .withInput || (hasFailed && law.countsFailures)
    var ticket = ticket
    if let charge, !isFinal { input.correct(&ticket.input, to: charge.input) }
    if law.output == .asProduced {
      output.settle(
        held: ticket.heldOutput, as: charge?.output ?? ticket.heldOutput, at: now)
    } else if let charge, !isFinal {
      output.correct(&ticket.output, to: charge.output)
    }
  }

  /// The call was never sent: nothing of it stays.
  mutating func refund(_ ticket: Ticket, at now: MonotonicInstant) {
    inFlight -= 1
    var ticket = ticket
    requests.correct(&ticket.requests, to: 0)
    calls.correct(&ticket.calls, to: 0)
    input.correct(&ticket.input, to: 0)
    output.correct(&ticket.output, to: 0)
    if law.output == .asProduced { output.settle(held: ticket.heldOutput, as: 0, at: now) }
  }
}
