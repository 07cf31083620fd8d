import Testing
import TestingContract

@testable import Protobuf

@Suite struct ArenaTests {
  @Test func `an arena may live while another does`() throws {
    let outer = try WireArena(unpacking: 10, "outer")
    #expect(unsafe !Self.take(.max, from: outer))
    // Packing makes an arena of its own; this thread's block is taken.
    let message = Samples.full
    #expect(try Features(unpacking: message.packed()) == message)
    #expect(outer.failure("outer").code == .arenaExhausted)
  }

  @Test func `an arena gives the bytes of its bound and no more`() throws {
    let arena = try WireArena(unpacking: 1_000, "m")
    let bound = WireLimits.arenaBytesMax(for: 1_000)
    var taken = 0
    while unsafe Self.take(1_000, from: arena) { taken += 1_000 }
    #expect(taken <= bound)
    #expect(taken > bound - 2_000)
    #expect(arena.failure("m") == WireError(.arenaExhausted, messageName: "m"))
  }

  @Test(arguments: [Int.max, Int.max - 6, -1, Int.min])
  func `an impossible size is refused`(byteCount: Int) throws {
    let arena = try WireArena(unpacking: 1_000, "m")
    #expect(unsafe !Self.take(byteCount, from: arena))
    #expect(arena.failure("m").code == .arenaExhausted)
  }

  @Test func `charging counts against the bound without a way around by overflow`() throws {
    let arena = try WireArena(unpacking: 0, "m")
    try arena.charge(WireLimits.arenaBytesFloor / 2, stride: 2, "m.f")
    #expect(throws: WireError(.arenaExhausted, messageName: "m.f")) {
      try arena.charge(1, stride: 1, "m.f")
    }
    #expect(throws: WireError.self) { try arena.charge(.max, stride: 16, "m.f") }
  }

  @Test func `threads do not share their blocks`() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in 0..<8 {
        group.addTask { @concurrent in
          for round in 0..<500 {
            let leaf = Leaf(name: "\(seed) \(round)", weight: Int64(seed * round))
            let message = Features(leaves: [leaf, leaf], texts: ["\(seed)": "\(round)"])
            let back = try Features(unpacking: message.packed())
            #expect(back == message)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Asks as protobuf-c asks.
  @unsafe private static func take(_ byteCount: Int, from arena: borrowing WireArena) -> Bool {
    let state = unsafe UnsafeMutableRawPointer(arena.allocator)
    return unsafe WireArenaState.allocate(
      state.assumingMemoryBound(to: WireArenaState.self), byteCount)
      != nil
  }
}
