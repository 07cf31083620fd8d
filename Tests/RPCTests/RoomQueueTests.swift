import Testing

@testable import RPC

@Suite struct RoomQueueTests {
  @Test func `below the soft limit everybody grows`() {
    var queue = RoomQueue(heldBytesSoft: 100, growingMax: 1)
    let grown = (Int32(1)...5).map { queue.mayGrow($0, by: 10, held: 100) }
    #expect(grown == Array(repeating: true, count: 5))
  }

  @Test func `above it so many grow, and the next when one is done`() {
    var queue = RoomQueue(heldBytesSoft: 100, growingMax: 2)
    let grown = (Int32(1)...4).map { queue.mayGrow($0, by: 10 * Int($0), held: 101) }
    #expect(grown == [true, true, false, false])
    let again = queue.mayGrow(1, by: 10, held: 101)
    #expect(again, "one that grows goes on")
    let early = queue.next(held: 101)
    #expect(early == nil)
    queue.finished(1)
    let next = queue.next(held: 101)
    #expect(next?.stream == 3 && next?.bytes == 30)
    let full = queue.next(held: 101)
    #expect(full == nil)
    let freed = queue.next(held: 100)
    #expect(freed?.stream == 4, "the pressure is gone")
  }
}
