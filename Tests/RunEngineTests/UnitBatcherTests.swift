import RunEngine
import TestSupport
import Testing

@Suite struct UnitBatcherTests {
  /// Units in each batch, in their order.
  private func sizes(
    _ units: [(group: String, bytes: Int)], unitsMax: Int = 15, bytesMax: Int = 50_000
  ) -> [Int] {
    var batcher = UnitBatcher(BatchPolicy(unitsMax: unitsMax, bytesMax: bytesMax))
    var sizes: [Int] = []
    var last: Int64?
    for (ordinal, unit) in units.enumerated() {
      let first = batcher.place(ordinal: Int64(ordinal), group: unit.group, bytes: unit.bytes)
      if first == last { sizes[sizes.count - 1] += 1 } else { sizes.append(1) }
      #expect(first == last || first == Int64(ordinal))
      last = first
    }
    return sizes
  }

  private func alike(_ count: Int, _ bytes: Int) -> [(group: String, bytes: Int)] {
    Array(repeating: ("", bytes), count: count)
  }

  @Test func `batches are full before the next begins`() {
    #expect(sizes(alike(16, 1_000)) == [15, 1])
    #expect(sizes(alike(12, 10_000)) == [5, 5, 2])
    #expect(sizes([]) == [])
    #expect(sizes(alike(125, 1), unitsMax: 5).count == 25)
    #expect(sizes(alike(126, 1), unitsMax: 5).count == 26)
  }

  @Test func `a unit above the weight goes alone and keeps its place`() {
    let small = ("", 100)
    #expect(sizes([small, ("", 60_000), small, small]) == [1, 1, 2])
    #expect(sizes([("", 60_000)]) == [1])
  }

  @Test func `groups never share a batch`() {
    #expect(sizes([("a", 1), ("a", 1), ("b", 1), ("a", 1)]) == [2, 1, 1])
  }

  @Test func `no batch is over its bounds, whatever comes`() {
    var random = SeededRandom("batcher")
    for _ in 0..<300 {
      let unitsMax = Int.random(in: 1...80, using: &random)
      let units = (0..<Int.random(in: 0...200, using: &random)).map { _ in
        (
          String(Int.random(in: 0...2, using: &random)),
          Int.random(in: 0...(Bool.random(using: &random) ? 100 : 70_000), using: &random)
        )
      }
      let sizes = sizes(units, unitsMax: unitsMax)
      #expect(sizes.reduce(0, +) == units.count)
      var place = 0
      for size in sizes {
        let batch = units[place..<(place + size)]
        #expect(size <= min(unitsMax, EngineLimits.batchUnitsMax))
        #expect(size == 1 || batch.reduce(0) { $0 + $1.1 } <= 50_000)
        #expect(Set(batch.map(\.0)).count == 1)
        place += size
      }
    }
  }
}
