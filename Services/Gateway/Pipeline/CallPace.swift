import EventLoop

/// How closely the steps of calls follow one another where one call is alone.
///
/// To be put to sleep and woken costs a loop more than all else that it does for such a call. So
/// it stays awake for an answer when the answer before was there at once, and for the next call
/// when that came at once. A provider that thinks, a caller that waits and a second call at a time
/// end it: then the loop sleeps as ever.
struct CallPace {
  /// How long the loop stays awake, and what counts as at once.
  static let lingerMax = Duration.microseconds(150)
  private static let lingerNanoseconds: UInt64 = 150_000

  private var askedAt: UInt64 = 0
  private var endedAt: UInt64 = 0
  private var isProviderQuick = false
  private var isCallerQuick = false

  /// A call has come; `isAlone`: no other is under way.
  mutating func came(isAlone: Bool, on loop: EventLoop) {
    isCallerQuick = isAlone && loop.nowNanoseconds &- endedAt < Self.lingerNanoseconds
    loop.endLinger()
  }

  /// A provider is asked.
  mutating func asks(isAlone: Bool, on loop: EventLoop) {
    askedAt = loop.nowNanoseconds
    guard isAlone, isProviderQuick else { return loop.endLinger() }
    loop.linger(atMost: Self.lingerMax)
  }

  /// It has begun to answer, or will not.
  mutating func answered(on loop: EventLoop) {
    isProviderQuick = loop.nowNanoseconds &- askedAt < Self.lingerNanoseconds
    loop.endLinger()
  }

  /// A call has ended; `isLast`: no other is under way.
  mutating func ended(isLast: Bool, on loop: EventLoop) {
    endedAt = loop.nowNanoseconds
    if isLast, isCallerQuick { loop.linger(atMost: Self.lingerMax) }
  }
}
