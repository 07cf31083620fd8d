/// The room that all request bodies of a server share, and the large ones that wait for it in the
/// order in which they came: a client whose body waits is made to wait, not refused.
struct HeldBodies {
  enum Room {
    case now
    /// The exchange is told.
    case later
    case never
  }

  private struct Waiting {
    let exchange: Exchange
    let count: Int
  }

  private let limits: HTTPServerLimits
  /// Of these, all is for small bodies and most for large ones.
  private let largeMax: Int
  private var held = 0
  private var waiting: [Waiting] = []

  init(_ limits: HTTPServerLimits) {
    self.limits = limits
    largeMax = limits.heldBodyBytesMax - limits.heldBodyBytesMax / 8
  }

  mutating func take(_ count: Int) -> Bool {
    guard held + count <= limits.heldBodyBytesMax else { return false }
    held += count
    return true
  }

  mutating func release(_ count: Int) { held -= count }

  mutating func ask(_ count: Int, for exchange: Exchange) -> Room {
    guard count >= limits.largeBodyBytesMin else { return take(count) ? .now : .never }
    if waiting.isEmpty, hasRoom(count) {
      held += count
      return .now
    }
    guard waiting.count < limits.largeBodiesWaitingMax else { return .never }
    waiting.append(Waiting(exchange: exchange, count: count))
    return .later
  }

  /// One that is larger than all the room comes when it is alone.
  private func hasRoom(_ count: Int) -> Bool { held == 0 || held + count <= largeMax }

  /// Those for which there is room now; it is theirs.
  mutating func admitWaiting() -> [Exchange] {
    var admitted: [Exchange] = []
    while let next = waiting.first, hasRoom(next.count) {
      held += next.count
      admitted.append(next.exchange)
      waiting.removeFirst()
    }
    return admitted
  }

  /// False when it does not wait.
  mutating func giveUp(_ exchange: Exchange) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.exchange === exchange }) else { return false }
    waiting.remove(at: index)
    return true
  }
}
