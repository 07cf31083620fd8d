/// Stops calls to what does not answer, and tries one at a time whether it does again.
///
/// Only failures of the provider itself count: not a 429, not a request that it refused.
package struct CircuitBreaker: Sendable, Equatable {
  package struct Policy: Sendable, Equatable {
    /// So many failures without an answer between them open it …
    package var failuresInARow: Int
    /// … or, of at least `callsLeast` within `window`, such a part.
    package var failedPart: Double
    package var callsLeast: Int
    package var window: Duration
    /// Doubled each time that trying fails, up to `openMost`.
    package var openFirst: Duration
    package var openMost: Duration
    /// Answers in a row that close it.
    package var answersToClose: Int

    package init(
      failuresInARow: Int = 5, failedPart: Double = 0.5, callsLeast: Int = 20,
      window: Duration = .seconds(10), openFirst: Duration = .seconds(1),
      openMost: Duration = .seconds(30), answersToClose: Int = 2
    ) {
      self.failuresInARow = max(1, failuresInARow)
      self.failedPart = failedPart
      self.callsLeast = max(1, callsLeast)
      self.window = window
      self.openFirst = openFirst
      self.openMost = openMost
      self.answersToClose = max(1, answersToClose)
    }
  }

  package enum State: Sendable, Equatable {
    case closed
    case open(until: MonotonicInstant)
    /// May be tried; `isTried` when a call is on its way to do so.
    case halfOpen(isTried: Bool)
  }

  private enum Phase: Sendable, Equatable {
    case closed
    case open(until: MonotonicInstant)
    case halfOpen(isTried: Bool, answers: Int)
  }

  private let policy: Policy
  private var phase = Phase.closed
  private var failuresInARow = 0
  private var openings = 0
  private var windowEnd: MonotonicInstant?
  private var calls = 0
  private var failures = 0

  package init(_ policy: Policy) { self.policy = policy }

  package func state(at now: MonotonicInstant) -> State {
    switch phase {
    case .closed: .closed
    case .open(let end): end > now ? .open(until: end) : .halfOpen(isTried: false)
    case .halfOpen(let isTried, _): .halfOpen(isTried: isTried)
    }
  }

  /// A call leaves; true when it is the one that tries.
  package mutating func pass(at now: MonotonicInstant) -> Bool {
    switch phase {
    case .closed: return false
    case .open(let end) where end > now: return false
    case .open: phase = .halfOpen(isTried: true, answers: 0)
    case .halfOpen(_, let answers): phase = .halfOpen(isTried: true, answers: answers)
    }
    return true
  }

  /// The provider answered, be it with a refusal.
  package mutating func answered(isProbe: Bool, at now: MonotonicInstant) {
    count(isFailure: false, at: now)
    failuresInARow = 0
    guard isProbe, case .halfOpen(_, let answers) = phase else { return }
    if answers + 1 >= policy.answersToClose {
      self = CircuitBreaker(policy)
    } else {
      phase = .halfOpen(isTried: false, answers: answers + 1)
    }
  }

  package mutating func failed(isProbe: Bool, at now: MonotonicInstant) {
    switch phase {
    case .open: return
    case .halfOpen:
      // What left before it opened says nothing of now.
      if isProbe { open(at: now) }
    case .closed:
      failuresInARow += 1
      count(isFailure: true, at: now)
      let isMuch =
        calls >= policy.callsLeast && Double(failures) >= Double(calls) * policy.failedPart
      if failuresInARow >= policy.failuresInARow || isMuch { open(at: now) }
    }
  }

  /// The trying call ended without saying anything of the provider.
  package mutating func abandoned(isProbe: Bool) {
    guard isProbe, case .halfOpen(_, let answers) = phase else { return }
    phase = .halfOpen(isTried: false, answers: answers)
  }

  private mutating func open(at now: MonotonicInstant) {
    let first = max(1, policy.openFirst.wholeNanoseconds)
    let doubled = first.multipliedReportingOverflow(by: 1 << min(openings, 20))
    let most = max(first, policy.openMost.wholeNanoseconds)
    let length = doubled.overflow ? most : min(most, doubled.partialValue)
    openings += 1
    failuresInARow = 0
    windowEnd = nil
    phase = .open(until: now.later(by: length))
  }

  private mutating func count(isFailure: Bool, at now: MonotonicInstant) {
    if windowEnd.map({ now >= $0 }) ?? true {
      windowEnd = now + policy.window
      calls = 0
      failures = 0
    }
    calls += 1
    if isFailure { failures += 1 }
  }
}
