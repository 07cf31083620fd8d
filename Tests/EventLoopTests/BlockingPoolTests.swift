import EventLoop
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct BlockingPoolTests {
  @Test func `results and errors come back`() async throws {
    let pool = BlockingPool(name: "pool")
    #expect(pool.threadCount == 0)
    #expect(try await pool.run { 42 } == 42)
    #expect(pool.threadCount == 1)
    await #expect(throws: EventLoopError(.system, "as thrown")) {
      try await pool.run { throw EventLoopError(.system, "as thrown") }
    }
  }

  @Test func `no more threads than allowed, no more calls than the queue holds`() async throws {
    let pool = BlockingPool(name: "pool", threadsMax: 2, queueMax: 3)
    let gate = Gate()
    let running = Shelf(0)
    let calls = (0..<5).map { _ in
      Task {
        try await pool.run {
          running.change { $0 += 1 }
          gate.wait()
        }
      }
    }
    try await eventually("two run") { running.value == 2 }
    // The other three wait; a sixth is refused, as soon as they do.
    try await eventually("the sixth is refused") {
      let extra = Task { try await pool.run {} }
      do {
        // A call that was let in before the queue filled up would wait: so it is cancelled.
        extra.cancel()
        try await extra.value
        return false
      } catch let error as EventLoopError {
        return error.code == .blockingQueueFull
      } catch {
        return false
      }
    }
    #expect(pool.threadCount == 2)
    #expect(running.value == 2)
    gate.open()
    for call in calls { try await call.value }
    #expect(running.value == 5)
  }

  @Test func `a cancelled call that waits never runs and makes room`() async throws {
    let pool = BlockingPool(name: "pool", threadsMax: 1, queueMax: 1)
    let gate = Gate()
    let running = Shelf(false)
    let first = Task {
      try await pool.run {
        running.value = true
        gate.wait()
      }
    }
    try await eventually("the first runs") { running.value }
    let ran = Shelf(false)
    let second = Task { try await pool.run { ran.value = true } }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    let third = Task { try await pool.run { 3 } }
    gate.open()
    #expect(try await third.value == 3)
    try await first.value
    #expect(!ran.value)
  }

  @Test func `idle threads end`() async throws {
    let pool = BlockingPool(name: "pool", idleTimeout: .milliseconds(20))
    _ = try await pool.run { 1 }
    try await eventually("no thread is left") { pool.threadCount == 0 }
    #expect(try await pool.run { 2 } == 2)
  }
}
