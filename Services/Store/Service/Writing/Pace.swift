import EventLoop
import Synchronization

/// How closely orders follow one another: the loop stays awake while the writer has the only order
/// of a caller that asks for the next as soon as it is answered.
final class Pace: Sendable {
  /// How long loop and writer stay awake for each other: some commits on a quick disk.
  static let lingerMax = Duration.microseconds(400)

  private static let lingerNanoseconds: UInt64 = 400_000
  private let inFlight = Atomic(0)
  private let answeredAt = Atomic<UInt64>(0)
  /// The order that is being written came soon after the last answer.
  private let isSteady = Atomic(false)

  /// The writer has an order more.
  func came(_ arrived: UInt64, on loop: EventLoop) {
    let count = inFlight.add(1, ordering: .relaxed).newValue
    guard loop.isCurrent else { return }
    let last = answeredAt.load(ordering: .relaxed)
    let isSoon = count == 1 && arrived < last + Self.lingerNanoseconds
    isSteady.store(isSoon, ordering: .relaxed)
    if isSoon {
      loop.linger(atMost: Self.lingerMax)
    } else {
      loop.endLinger()
    }
  }

  /// Orders are answered; on the loop.
  func left(_ count: Int, on loop: EventLoop) {
    let rest = inFlight.subtract(count, ordering: .relaxed).newValue
    answeredAt.store(loop.nowNanoseconds, ordering: .relaxed)
    // Its caller's next order is expected as soon.
    if rest == 0, isSteady.load(ordering: .relaxed) {
      loop.linger(atMost: Self.lingerMax)
    } else {
      loop.endLinger()
    }
  }
}
