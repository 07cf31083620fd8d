import GatewayContract
import RunEngine
import ScoreContract
import TestSupport
import Testing

@Suite struct DispatchWindowTests {
  private func units(_ batches: [(String, Int)]) -> [Unit] {
    var units: [Unit] = []
    for (batch, count) in batches {
      for _ in 0..<count {
        units.append(
          Unit(
            id: "u\(units.count)", ordinal: Int64(units.count), unitKey: "k\(units.count)",
            state: .open, batch: batch))
      }
    }
    return units
  }

  /// Reads as Store answers: behind `after`, at most `pageLimit`.
  private func fill(_ window: inout DispatchWindow, from all: [Unit]) {
    while window.wantsPage {
      let rest = all.filter { $0.ordinal > window.after }
      window.take(Array(rest.prefix(window.pageLimit)), isLast: rest.count <= window.pageLimit)
    }
  }

  @Test func `batches are whole however pages cut them`() {
    var random = SeededRandom("window")
    for _ in 0..<300 {
      var expected: [(String, Int)] = []
      for _ in 0..<Int.random(in: 0...60, using: &random) {
        let first = expected.reduce(0) { $0 + $1.1 }
        let isFollower = Int.random(in: 0..<8, using: &random) == 0
        expected.append(
          (isFollower ? "=" : "\(first)", isFollower ? 1 : Int.random(in: 1...5, using: &random)))
        if !isFollower, Bool.random(using: &random) { expected.append(("\(first).1", 1)) }
      }
      let all = units(expected)
      var window = DispatchWindow(
        stage: 0, capacity: Int.random(in: 1...9, using: &random), unitsMax: 3)
      var seen: [String: Int] = [:]
      while !window.isDrained {
        fill(&window, from: all)
        let families = Set(window.order.map { String(RunNames.family(of: $0)) })
        #expect(families.count <= window.capacity)
        guard let open = window.nextReady(owedOnly: false) else { break }
        #expect(seen[open.batch.id] == nil)
        seen[open.batch.id] = open.batch.units.count
        window.replace(open.batch.id, with: [])
      }
      #expect(window.isDrained)
      let asked = expected.filter { $0.0 != "=" }
      #expect(seen == Dictionary(asked, uniquingKeysWith: +))
      #expect(window.hasFollowers == expected.contains { $0.0 == "=" })
    }
  }

  @Test func `children take their parent's place before later batches`() {
    var window = DispatchWindow(stage: 0, capacity: 8, unitsMax: 2)
    fill(&window, from: units([("0", 2), ("2", 2), ("4", 1)]))
    #expect(window.order == ["0", "2", "4"])
    let parent = window.batches["2"]?.batch
    let children = (parent?.units ?? []).enumerated().map { index, unit in
      Batch(id: RunNames.childID(of: "2", index + 1), stage: 0, units: [unit])
    }
    window.replace("2", with: children)
    #expect(window.order == ["0", "2.1", "2.2", "4"])
  }

  @Test func `what is owed is called before anything else`() {
    var window = DispatchWindow(stage: 0, capacity: 8, unitsMax: 1)
    fill(&window, from: units([("0", 1), ("1", 1)]))
    #expect(window.nextReady(owedOnly: true) == nil)
    _ = window.feed("1", .recall, at: 0)
    _ = window.feed("1", .recalled(.settled), at: 0)
    #expect(window.nextReady(owedOnly: true)?.batch.id == "1")
    #expect(window.nextReady(owedOnly: false)?.batch.id == "1")
  }

  @Test func `names of families and reopened batches`() {
    #expect(RunNames.family(of: "7.1.2~3@4") == "7")
    #expect(RunNames.reopenedID(of: "7.1.2@0", generation: 2) == "7~2")
    #expect(RunNames.reopenedID(of: "=@0", generation: 2) == "=")
    #expect(RunNames.failedGeneration("7.1@3") == 3)
    #expect(RunNames.failedGeneration("7.1") == nil)
  }
}
