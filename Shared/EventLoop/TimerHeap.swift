/// A binary heap of timers, earliest first; equal deadlines fire in the order they were made.
@safe struct TimerHeap: ~Copyable {
  @safe private struct Node {
    let deadline: UInt64
    let sequence: UInt64
    /// Retained by the heap; the moves of the heap count no references.
    let timer: Unmanaged<LoopTimer>

    func isBefore(_ other: Node) -> Bool {
      deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
    }
  }

  private var nodes: [Node] = []
  private(set) var nextSequence: UInt64 = 0

  deinit {
    for node in nodes { unsafe node.timer.takeRetainedValue().die() }
  }

  var count: Int { nodes.count }
  var earliest: UInt64? { nodes.first?.deadline }

  mutating func insert(_ timer: LoopTimer, deadline: UInt64) {
    let node = unsafe Node(
      deadline: deadline, sequence: nextSequence, timer: .passRetained(timer))
    nextSequence += 1
    nodes.append(node)
    timer.index = nodes.count - 1
    siftUp(nodes.count - 1)
  }

  /// Takes out the earliest timer that is due and was made before `sequence`.
  mutating func popDue(at now: UInt64, before sequence: UInt64) -> LoopTimer? {
    guard let first = nodes.first, first.deadline <= now, first.sequence < sequence else {
      return nil
    }
    return remove(at: 0)
  }

  @discardableResult
  mutating func remove(at index: Int) -> LoopTimer {
    let removed = nodes[index]
    let last = nodes.removeLast()
    if index < nodes.count {
      place(last, at: index)
      siftDown(index)
      siftUp(index)
    }
    let timer = unsafe removed.timer.takeRetainedValue()
    timer.index = -1
    return timer
  }

  mutating func cancelAll() {
    while !nodes.isEmpty { remove(at: nodes.count - 1).die() }
  }

  private mutating func place(_ node: Node, at index: Int) {
    nodes[index] = node
    unsafe node.timer._withUnsafeGuaranteedRef { $0.index = index }
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    let node = nodes[index]
    while index > 0 {
      let parent = (index - 1) / 2
      guard node.isBefore(nodes[parent]) else { break }
      place(nodes[parent], at: index)
      index = parent
    }
    if index != start { place(node, at: index) }
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    let node = nodes[index]
    while true {
      var child = 2 * index + 1
      guard child < nodes.count else { break }
      if child + 1 < nodes.count && nodes[child + 1].isBefore(nodes[child]) { child += 1 }
      guard nodes[child].isBefore(node) else { break }
      place(nodes[child], at: index)
      index = child
    }
    if index != start { place(node, at: index) }
  }
}
