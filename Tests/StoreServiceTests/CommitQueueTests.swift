import EventLoop
import Faults
import Locking
import StoreBackend
import StoreContract
import Telemetry
import TestSupport
import Testing

@testable import StoreService

@Suite(.timeLimit(.minutes(1))) struct CommitQueueTests {
  private static func order(_ index: Int) -> WriteOrder {
    .putRubric(.standard, Rubric(hash: "h\(index)", name: "n", body: Array("{}".utf8)))
  }

  @Test func `what waits is one group, what is too much is refused, what is taken is answered`()
    async throws
  {
    let loop = try EventLoop(name: "queue")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let told = Lock<[WriteOrder]>([])
    let control = FailingWriter.Switch(hasGate: true)
    let queue = CommitQueue(
      on: loop, metrics: StoreMetrics(Metrics()), waitingMax: 4
    ) { order, _ in told.withLock { $0.append(order) } }
    _ = try await queue.open { FailingWriter(SharedModel(), control) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { _ = try await queue.write(Self.order(0)) }
      try await eventually("the first is taken", on: loop) {
        control.groups.withLock { $0 } == [1]
      }
      for index in 1...4 {
        group.addTask { _ = try await queue.write(Self.order(index)) }
        try await eventually("it waits", on: loop) { queue.waitingCount == index }
      }
      let refused = await fault { _ = try await queue.write(Self.order(5)) }
      #expect(refused?.code == .resourceExhausted && refused?.reason == "STORE_BUSY")
      #expect(refused?.retryAfter != nil)
      #expect(told.withLock { $0 }.isEmpty)
      control.letThrough(2)
      try await group.waitForAll()
    }
    #expect(control.groups.withLock { $0 } == [1, 4])
    #expect(told.withLock { $0 } == (0...4).map(Self.order))
    await queue.close()
    let late = await fault { _ = try await queue.write(Self.order(6)) }
    #expect(late?.code == .unavailable)
  }
}
