import EventLoop
import Locking
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct OwnerThreadsTests {
  /// Belongs to one thread.
  private final class Owned {
    var sum = 0
  }

  @Test func `what is submitted is done once, and what waits is done before the end`() async throws
  {
    let threads = OwnerThreads<Int>(name: "owner", waitingMax: 10_000, groupMax: 7)
    let done = Lock<[Int]>([])
    let closed = Lock<[Int]>([])
    for _ in 0..<3 {
      try await threads.start(
        open: { Owned() },
        take: { owned, items in
          #expect((1...7).contains(items.count))
          owned.sum += items.reduce(0, +)
          done.withLock { $0 += items }
        },
        close: { owned in closed.withLock { $0.append(owned.sum) } })
    }
    for item in 1...1000 { #expect(threads.submit(item) == .taken) }
    await threads.end()
    #expect(done.withLock { $0.sorted() } == Array(1...1000))
    #expect(closed.withLock { $0.count } == 3)
    #expect(closed.withLock { $0.reduce(0, +) } == 500_500)
    #expect(threads.submit(1) == .ended)
  }

  @Test func `what cannot be opened is said, and no thread is left`() async throws {
    struct Broken: Error {}
    let threads = OwnerThreads<Int>(name: "owner", waitingMax: 1)
    await #expect(throws: Broken.self) {
      try await threads.start(open: { throw Broken() }, take: { (_: Owned, _) in })
    }
    #expect(threads.submit(1) == .ended)
    await threads.end()
  }

  @Test func `a thread without work rests once, until there is work again`() async throws {
    let threads = OwnerThreads<CheckedContinuation<Void, Never>>(name: "owner", waitingMax: 1)
    let rests = Atomic<Int>(0)
    let rested = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(4))
    try await threads.start(
      open: { Owned() }, take: { _, items in for item in items { item.resume() } },
      restAfter: .milliseconds(1),
      rest: { _ in
        rests.add(1, ordering: .relaxed)
        rested.continuation.yield()
      })
    var ends = rested.stream.makeAsyncIterator()
    for round in 1...3 {
      await withCheckedContinuation { continuation in
        if threads.submit(continuation) != .taken { continuation.resume() }
      }
      await ends.next()
      #expect(rests.load(ordering: .relaxed) == round)
    }
    await threads.end()
  }
}
