import EventLoop
import Synchronization

/// How closely settlements follow one another: the loop stays awake while the disk has the only
/// one, of a caller that asks for the next as soon as it is answered.
final class LedgerPace: Sendable {
  /// How long loop and writer stay awake for each other: some commits on a quick disk.
  static let lingerMax = Duration.microseconds(400)

  /// So soon after its last answer a caller asks for the next, where a provider is quick.
  private static let soonNanoseconds: UInt64 = 2_000_000
  private let answeredAt = Atomic<UInt64>(0)

  /// Somebody waits for the writer; `isAlone`: no other call is under way.
  func waits(isAlone: Bool, on loop: EventLoop) {
    guard loop.isCurrent else { return }
    let last = answeredAt.load(ordering: .relaxed)
    if isAlone, loop.nowNanoseconds < last + Self.soonNanoseconds {
      loop.linger(atMost: Self.lingerMax)
    } else {
      loop.endLinger()
    }
  }

  /// The writer has answered.
  func answered(on loop: EventLoop) {
    answeredAt.store(loop.nowNanoseconds, ordering: .relaxed)
    if loop.isCurrent { loop.endLinger() }
  }
}
