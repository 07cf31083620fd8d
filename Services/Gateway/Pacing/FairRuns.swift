/// The runs that have calls waiting, of all products of one queue.
struct FairRuns: Sendable {
  struct Run: Sendable {
    var name: String
    var used: Int64
    var head: Int?
    var tail: Int?
    /// In the heap of its lane.
    var handle: Int
  }

  private var runs: [Run] = []
  private var free: [Int] = []

  subscript(slot: Int) -> Run {
    get { runs[slot] }
    _modify { yield &runs[slot] }
  }

  mutating func insert(_ run: Run) -> Int {
    guard let slot = free.popLast() else {
      runs.append(run)
      return runs.count - 1
    }
    runs[slot] = run
    return slot
  }

  mutating func remove(_ slot: Int) {
    runs[slot].name = ""
    free.append(slot)
  }
}

/// The waiting calls of one product that may leave by the same ways.
struct FairLane: Sendable {
  let key: UInt64
  /// Runs by what they used.
  var order = HandleHeap()
  var byName: [String: Int] = [:]
  /// Calls by their tokens.
  var sizes = HandleHeap()
  /// Where a run begins that was away.
  var virtual: Int64 = 0

  mutating func push(
    _ ask: FairQueue.Ask, at slot: Int, order number: UInt64, entries: inout [FairClass.Entry?],
    runs: inout FairRuns
  ) -> (run: Int, previous: Int?) {
    if let run = byName[ask.run] {
      let previous = runs[run].tail
      if let previous { entries[previous]?.next = slot }
      runs[run].tail = slot
      return (run, previous)
    }
    let run = runs.insert(
      FairRuns.Run(name: ask.run, used: virtual, head: slot, tail: slot, handle: 0))
    runs[run].handle = order.insert(key: virtual, order: number, value: run)
    byName[ask.run] = run
    return (run, nil)
  }

  mutating func remove(
    _ entry: FairClass.Entry, entries: inout [FairClass.Entry?], runs: inout FairRuns
  ) {
    sizes.remove(entry.sizeHandle)
    if let next = entry.next { entries[next]?.previous = entry.previous }
    if let previous = entry.previous { entries[previous]?.next = entry.next }
    if entry.previous == nil { runs[entry.run].head = entry.next }
    if entry.next == nil { runs[entry.run].tail = entry.previous }
    guard runs[entry.run].head == nil else { return }
    order.remove(runs[entry.run].handle)
    byName[runs[entry.run].name] = nil
    runs.remove(entry.run)
  }

  mutating func charge(_ run: Int, tokens: Int64, order number: UInt64, runs: inout FairRuns) {
    virtual = max(virtual, runs[run].used)
    runs[run].used &+= tokens
    order.move(runs[run].handle, to: runs[run].used, order: number)
  }
}
