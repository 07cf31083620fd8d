/// Which calls of one connection may start now: a value without I/O.
///
/// A peer that asks for large answers and takes none would otherwise make the server hold one
/// for every stream it may open.
struct StartQueue {
  private let unsentBytesMax: Int
  private let perTurnMax: Int
  private var waiting: [Int32] = []
  private var head = 0
  private var startedThisTurn = 0
  private(set) var unsentBytes = 0

  init(unsentBytesMax: Int, perTurnMax: Int) {
    self.unsentBytesMax = unsentBytesMax
    self.perTurnMax = perTurnMax
  }

  private var isEmpty: Bool { head == waiting.count }
  private var hasRoom: Bool { unsentBytes <= unsentBytesMax && startedThisTurn < perTurnMax }

  /// Something waits, and its turn may come.
  var hasStartable: Bool { !isEmpty && unsentBytes <= unsentBytesMax }

  /// Whether a call that has just arrived may start at once; in order behind those that wait.
  mutating func mayStart() -> Bool {
    guard isEmpty, hasRoom else { return false }
    startedThisTurn += 1
    return true
  }

  mutating func append(_ stream: Int32) { waiting.append(stream) }

  /// Answers whether any call waits.
  @discardableResult
  mutating func beginTurn() -> Bool {
    startedThisTurn = 0
    return !isEmpty
  }

  /// The next stream to start; nil when none waits or none may.
  mutating func next() -> Int32? {
    guard !isEmpty, hasRoom else { return nil }
    let stream = waiting[head]
    head += 1
    startedThisTurn += 1
    if head == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      head = 0
    }
    return stream
  }

  mutating func changeUnsent(by bytes: Int) { unsentBytes += bytes }
}
