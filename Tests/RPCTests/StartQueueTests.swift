import Testing

@testable import RPC

@Suite struct StartQueueTests {
  @Test func `a turn starts so many, the next turn the rest, in order`() {
    var queue = StartQueue(unsentBytesMax: 100, perTurnMax: 2)
    var started: [Int32] = []
    for id in Int32(1)...5 {
      if queue.mayStart() { started.append(id) } else { queue.append(id) }
    }
    #expect(started == [1, 2])
    queue.beginTurn()
    while let id = queue.next() { started.append(id) }
    #expect(started == [1, 2, 3, 4])
    let jumps = queue.mayStart()
    #expect(!jumps, "nobody overtakes one that waits")
    queue.beginTurn()
    #expect(queue.next() == 5)
    #expect(queue.next() == nil)
  }

  @Test func `nothing starts while the peer takes no answers`() {
    var queue = StartQueue(unsentBytesMax: 100, perTurnMax: 10)
    queue.changeUnsent(by: 101)
    let starts = queue.mayStart()
    #expect(!starts)
    queue.append(1)
    #expect(!queue.hasStartable)
    queue.changeUnsent(by: -1)
    #expect(queue.hasStartable)
    #expect(queue.next() == 1)
  }
}
