import Locking
import Testing

@Suite struct LockTests {
  private struct Refused: Error {}

  // Under the thread sanitizer this also proves that it sees the lock change hands.
  @Test func `every change of many tasks is kept`() async {
    let counter = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<2_000 { counter.total.withLock { $0.append(1) } }
        }
      }
    }
    #expect(counter.total.withLock { $0.count } == 16_000)
  }

  @Test func `what the body throws is thrown on, and the lock is free again`() {
    let lock = Lock(1)
    #expect(throws: Refused.self) {
      try lock.withLock { value throws(Refused) in
        value = 2
        throw Refused()
      }
    }
    #expect(lock.withLock { $0 } == 2)
  }

  private final class Counter: Sendable {
    let total = Lock<[UInt8]>([])
  }
}
