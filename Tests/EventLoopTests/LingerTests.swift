import EventLoop
import Glibc
import Testing

/// Whoever stays awake for something does so for a while and not for ever.
@Suite(.timeLimit(.minutes(1))) struct LingerTests {
  /// CPU that the calling thread has used.
  private static func used() -> Duration {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  @Test(arguments: [true, false])
  func `a loop sleeps again when the answer came or did not come`(comes: Bool) async throws {
    try await withLoop { loop in
      try await Task(executorPreference: loop) {
        loop.linger(atMost: comes ? .seconds(600) : .milliseconds(20))
        try await loop.sleep(for: .milliseconds(comes ? 1 : 100))
        if comes { loop.endLinger() }
        let before = Self.used()
        try await loop.sleep(for: .milliseconds(300))
        #expect(Self.used() - before < .milliseconds(100))
      }.value
    }
  }

  @Test func `a thread that stays awake for its next item takes it, and rests`() async throws {
    let threads = OwnerThreads<CheckedContinuation<Void, Never>>(name: "owner", waitingMax: 9)
    let rested = AsyncStream<Duration>.makeStream()
    final class Owned { var used = Duration.zero }
    try await threads.start(
      open: { Owned() },
      take: { owned, items in
        owned.used = Self.used()
        for item in items { item.resume() }
      },
      lingerMax: .milliseconds(20), restAfter: .milliseconds(300),
      rest: { owned in rested.continuation.yield(Self.used() - owned.used) })
    for _ in 0..<100 {
      await withCheckedContinuation { continuation in
        if threads.submit(continuation) != .taken { continuation.resume() }
      }
    }
    var rests = rested.stream.makeAsyncIterator()
    let idle = try #require(await rests.next())
    #expect(idle < .milliseconds(100))
    await threads.end()
  }
}
