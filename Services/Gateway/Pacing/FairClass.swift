/// One priority of a fair queue: its products in the order of what they were given.
struct FairClass: Sendable {
  /// Virtual time of one token at weight 1, so that weights divide it well.
  private static let scale: Int64 = 1 << 10
  static let weightMax = 1 << 10

  private struct Line: Sendable {
    let product: Int
    var weight: Int64 = 1
    var used: Int64 = 0
    /// Among those that used as much.
    var order: UInt64 = 0
    var lanes: [FairLane] = []
    var count = 0
    var tokens: Int64 = 0

    func cost(_ tokens: Int64) -> Int64 { tokens * FairClass.scale / weight }
  }

  /// A waiting call and its neighbours.
  struct Entry: Sendable {
    let ask: FairQueue.Ask
    let line: Int
    /// In its run.
    var next: Int?
    var previous: Int?
    /// In the class, by arrival.
    var younger: Int?
    var older: Int?
    let run: Int
    let sizeHandle: Int
  }

  private var entries: [Entry?] = []
  private var freeEntries: [Int] = []
  private var runs = FairRuns()
  private var lines: [Line] = []
  private var lineOf: [Int: Int] = [:]
  /// Lines with somebody waiting, the least used first.
  private(set) var active: [Int] = []
  private(set) var count = 0
  private(set) var tokens: Int64 = 0
  private var oldest: Int?
  private var youngest: Int?
  /// What the last call to go had used before: where somebody begins who was away.
  private var virtual: Int64 = 0

  mutating func push(_ ask: FairQueue.Ask, order: UInt64) -> Int {
    let slot = freeEntries.popLast() ?? entries.count
    if slot == entries.count { entries.append(nil) }
    let line = line(of: ask.product)
    if lines[line].count == 0 {
      lines[line].used = max(lines[line].used, virtual)
      lines[line].order = order
      insertActive(line)
    }
    lines[line].count += 1
    lines[line].tokens += ask.tokens
    count += 1
    tokens += ask.tokens
    let lane =
      lines[line].lanes.firstIndex { $0.key == ask.lane } ?? lines[line].lanes.endIndex
    if lane == lines[line].lanes.endIndex { lines[line].lanes.append(FairLane(key: ask.lane)) }
    let (run, previous) = lines[line].lanes[lane].push(
      ask, at: slot, order: order, entries: &entries, runs: &runs)
    let handle = lines[line].lanes[lane].sizes.insert(key: ask.tokens, order: order, value: slot)
    if let youngest { entries[youngest]?.younger = slot }
    entries[slot] = Entry(
      ask: ask, line: line, next: nil, previous: previous, younger: nil, older: youngest, run: run,
      sizeHandle: handle)
    youngest = slot
    if oldest == nil { oldest = slot }
    return slot
  }

  func ask(at slot: Int) -> FairQueue.Ask? {
    entries.indices.contains(slot) ? entries[slot]?.ask : nil
  }

  /// Whose turn it is in its lane, or the smallest there.
  func isCandidate(_ slot: Int) -> Bool {
    guard let entry = entries[slot],
      let lane = lines[entry.line].lanes.firstIndex(where: { $0.key == entry.ask.lane })
    else { return false }
    let isSmallest = lines[entry.line].lanes[lane].sizes.top?.value == slot
    let isTurn = lines[entry.line].lanes[lane].order.top?.value == entry.run
    return isSmallest || (isTurn && entry.previous == nil)
  }

  var oldestSince: MonotonicInstant? { oldest.flatMap { entries[$0]?.ask.since } }

  /// Oldest first.
  var waiting: [UInt64] {
    var ids: [UInt64] = []
    var slot = oldest
    while let current = slot, let entry = entries[current] {
      ids.append(entry.ask.id)
      slot = entry.younger
    }
    return ids
  }

  mutating func remove(_ slot: Int) {
    guard entries.indices.contains(slot), let entry = entries[slot] else { return }
    entries[slot] = nil
    freeEntries.append(slot)
    if let younger = entry.younger { entries[younger]?.older = entry.older }
    if let older = entry.older { entries[older]?.younger = entry.younger }
    if oldest == slot { oldest = entry.younger }
    if youngest == slot { youngest = entry.older }
    let line = entry.line
    count -= 1
    tokens -= entry.ask.tokens
    lines[line].count -= 1
    lines[line].tokens -= entry.ask.tokens
    if let lane = lines[line].lanes.firstIndex(where: { $0.key == entry.ask.lane }) {
      lines[line].lanes[lane].remove(entry, entries: &entries, runs: &runs)
      if lines[line].lanes[lane].sizes.isEmpty { lines[line].lanes.remove(at: lane) }
    }
    if lines[line].count == 0 { removeActive(line) }
  }

  /// Charges the run of a call that goes; its lane is the last to be asked again.
  mutating func chargeRun(of slot: Int, order: UInt64) {
    guard let entry = entries[slot],
      let lane = lines[entry.line].lanes.firstIndex(where: { $0.key == entry.ask.lane })
    else { return }
    lines[entry.line].lanes[lane].charge(
      entry.run, tokens: entry.ask.tokens, order: order, runs: &runs)
    guard lane + 1 < lines[entry.line].lanes.count else { return }
    let moved = lines[entry.line].lanes.remove(at: lane)
    lines[entry.line].lanes.append(moved)
  }

  mutating func charge(_ product: Int, tokens: Int64, order: UInt64) {
    let line = line(of: product)
    lines[line].used = max(lines[line].used, lines[line].count == 0 ? virtual : .min)
    virtual = max(virtual, lines[line].used)
    use(line, lines[line].cost(tokens), order: order)
  }

  mutating func correct(_ product: Int, by tokens: Int64, order: UInt64) {
    let line = line(of: product)
    // Nobody falls behind those who wait: what was used up in the past is not saved for later.
    let cost = max(lines[line].cost(tokens), min(0, virtual &- lines[line].used))
    use(line, cost, order: order)
  }

  mutating func setWeight(_ weight: Int, of product: Int) {
    let line = line(of: product)
    lines[line].weight = Int64(max(1, min(weight, Self.weightMax)))
  }

  func laneCount(at place: Int) -> Int { lines[active[place]].lanes.count }

  func candidate(line: Int, lane: Int) -> (head: Int?, smallest: Int?) {
    guard line < active.count, lane < lines[active[line]].lanes.count else { return (nil, nil) }
    let run = lines[active[line]].lanes[lane].order.top?.value
    return (run.flatMap { runs[$0].head }, lines[active[line]].lanes[lane].sizes.top?.value)
  }

  /// At most: each other product gets its share of turns until this one has had its own.
  func ahead(of product: Int) -> FairQueue.Ahead {
    guard let own = lineOf[product] else { return FairQueue.Ahead(calls: count, tokens: tokens) }
    let line = lines[own]
    var ahead = FairQueue.Ahead(calls: line.count, tokens: line.tokens)
    for other in active where other != own {
      let share = (line.tokens + 1) * lines[other].weight / line.weight
      let part = min(lines[other].tokens, share)
      ahead.tokens += part
      let calls = Double(lines[other].count) * Double(part) / Double(max(1, lines[other].tokens))
      ahead.calls += Int(calls.rounded(.up))
    }
    return ahead
  }

  // MARK: - The order of products

  private mutating func line(of product: Int) -> Int {
    if let line = lineOf[product] { return line }
    lines.append(Line(product: product))
    lineOf[product] = lines.count - 1
    return lines.count - 1
  }

  private mutating func use(_ line: Int, _ cost: Int64, order: UInt64) {
    let isActive = lines[line].count > 0
    if isActive { removeActive(line) }
    lines[line].used &+= cost
    lines[line].order = order
    if isActive { insertActive(line) }
  }

  private func place(of line: Int) -> Int {
    let key = (lines[line].used, lines[line].order)
    var low = 0
    var high = active.count
    while low < high {
      let middle = (low + high) / 2
      if (lines[active[middle]].used, lines[active[middle]].order) < key {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private mutating func insertActive(_ line: Int) { active.insert(line, at: place(of: line)) }

  private mutating func removeActive(_ line: Int) {
    let place = place(of: line)
    if place < active.count, active[place] == line { active.remove(at: place) }
  }
}
