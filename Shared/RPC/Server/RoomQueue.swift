/// Who may send more of a large request now: a value without I/O.
///
/// Each stream may send its first window at once. Past a number of bytes held of unfinished
/// requests, only so many streams get more room, the first that asked first, so that these finish
/// and the memory of a connection stays bounded however many large requests are sent at once.
struct RoomQueue {
  private let heldBytesSoft: Int
  private let growingMax: Int
  private var growing: Set<Int32> = []
  private var waiting: [(stream: Int32, bytes: Int)] = []
  private var head = 0
  private var waitingStreams: Set<Int32> = []

  init(heldBytesSoft: Int, growingMax: Int) {
    self.heldBytesSoft = heldBytesSoft
    self.growingMax = growingMax
  }

  /// Whether the stream gets its room at once; if not it waits for `next`.
  mutating func mayGrow(_ stream: Int32, by bytes: Int, held: Int) -> Bool {
    if held <= heldBytesSoft || growing.contains(stream) { return true }
    guard growing.count < growingMax else {
      waiting.append((stream, bytes))
      waitingStreams.insert(stream)
      return false
    }
    growing.insert(stream)
    return true
  }

  /// Whether it is we who keep the stream waiting.
  func isWaiting(_ stream: Int32) -> Bool { waitingStreams.contains(stream) }

  /// The stream holds nothing any more: complete, refused or gone.
  mutating func finished(_ stream: Int32) {
    // Nearly always: nothing is hashed then.
    if !growing.isEmpty { growing.remove(stream) }
    if !waitingStreams.isEmpty { waitingStreams.remove(stream) }
  }

  /// Nobody waits for room.
  var isIdle: Bool { waiting.isEmpty && growing.isEmpty }

  /// The next stream to give room to; nil when none waits or none may.
  mutating func next(held: Int) -> (stream: Int32, bytes: Int)? {
    guard head < waiting.count, held <= heldBytesSoft || growing.count < growingMax else {
      return nil
    }
    let entry = waiting[head]
    head += 1
    growing.insert(entry.stream)
    waitingStreams.remove(entry.stream)
    if head == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      head = 0
    }
    return entry
  }
}
