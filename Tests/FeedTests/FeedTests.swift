import EventLoop
import Faults
import Feed
import Locking
import Synchronization
import Testing

/// A sequence in storage and its feed, on a loop of its own.
private final class Sequence: Sendable {
  let loop: EventLoop
  let feed: Feed<String, Int64, [Int64]>
  private let stored = Lock<[Int64]>([])
  let reads = Atomic<Int>(0)

  init(_ limits: FeedLimits = FeedLimits()) throws {
    loop = try EventLoop(name: "feed")
    feed = Feed(on: loop, limits: limits, bytes: { _ in 8 }) { _, entries in entries }
    try loop.start()
  }

  func stop() {
    loop.stop()
    loop.join()
  }

  /// Keeps the next entries and tells of them, as a store would.
  func write(_ count: Int) async {
    await withCheckedContinuation { continuation in
      loop.execute { [self] in
        let fresh = stored.withLock { stored in
          let fresh = (0..<count).map { Int64(stored.count + 1 + $0) }
          stored += fresh
          return fresh
        }
        feed.append(fresh, to: "a", first: fresh.first ?? 0)
        continuation.resume()
      }
    }
  }

  @Sendable func replay(_ after: Int64) async throws -> [Int64] {
    reads.add(1, ordering: .relaxed)
    return stored.withLock { Array($0.dropFirst(Int(after)).prefix(10)) }
  }

  func follow(from after: Int64 = 0, to last: Int64, max: Int? = nil) async throws -> [Int64] {
    try await feed.follow("a", after: after, entriesMax: max, replay: replay) { follower in
      var seen: [Int64] = []
      while seen.last ?? after < last, let batch = try await follower.next() {
        #expect(batch.shared == batch.entries && batch.first == (seen.last ?? after) + 1)
        if let max { #expect(batch.entries.count <= max) }
        seen += batch.entries
      }
      return seen
    }
  }
}

/// What followers share, counted while it is in memory.
private final class Counted: Sendable {
  static let alive = Atomic<Int>(0)

  init() { Self.alive.add(1, ordering: .relaxed) }

  deinit { Self.alive.subtract(1, ordering: .relaxed) }
}

@Suite(.timeLimit(.minutes(1))) struct FeedTests {
  @Test func `what is not kept any more is let go of at once`() async throws {
    var limits = FeedLimits()
    limits.batchesMax = 2
    let loop = try EventLoop(name: "feed")
    try loop.start()
    let feed = Feed<String, Int64, Counted>(on: loop, limits: limits, bytes: { _ in 8 }) { _, _ in
      Counted()
    }
    try await feed.follow("a", after: 0, replay: { _ in [] }) { _ in
      for first in 1...50 as ClosedRange<Int64> {
        await withCheckedContinuation { continuation in
          loop.execute {
            feed.append([first], to: "a", first: first)
            continuation.resume()
          }
        }
        #expect(Counted.alive.load(ordering: .relaxed) <= 2)
      }
    }
    loop.stop()
    loop.join()
  }

  @Test func `what was before and what comes is seen once, in order, by everyone`() async throws {
    let sequence = try Sequence()
    defer { sequence.stop() }
    await sequence.write(25)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<50 {
        group.addTask {
          let seen = try await sequence.follow(
            from: Int64(index), to: 525, max: index % 3 == 0 ? 4 : nil)
          #expect(seen == Array(Int64(index) + 1...525))
        }
      }
      group.addTask { for _ in 0..<250 { await sequence.write(2) } }
      try await group.waitForAll()
    }
    #expect(sequence.feed.followerCount == 0)
  }

  @Test func `who falls behind what is kept reads from storage and misses nothing`() async throws {
    var limits = FeedLimits()
    limits.batchesMax = 2
    let sequence = try Sequence(limits)
    defer { sequence.stop() }
    await sequence.write(1)
    try await sequence.feed.follow("a", after: 0, replay: sequence.replay) { follower in
      var seen = try await follower.next()?.entries ?? []
      #expect(seen == [1])
      for _ in 0..<100 { await sequence.write(1) }
      let reads = sequence.reads.load(ordering: .relaxed)
      while let batch = try await follower.next(waiting: false) { seen += batch.entries }
      #expect(seen == Array(1...101))
      #expect(sequence.reads.load(ordering: .relaxed) > reads)
    }
  }

  @Test func `batches are cut to the bytes of one message, and all together to a limit`()
    async throws
  {
    var limits = FeedLimits()
    limits.bytesPerBatchMax = 24
    limits.bytesOfAllMax = 40
    let sequence = try Sequence(limits)
    defer { sequence.stop() }
    try await sequence.feed.follow("a", after: 0, replay: sequence.replay) { follower in
      let nothing = try await follower.next(waiting: false)
      #expect(nothing?.entries == nil)
      for _ in 0..<4 { await sequence.write(5) }
      var seen: [Int64] = []
      while let batch = try await follower.next(waiting: false) {
        // What is kept comes in threes, what storage has in tens.
        #expect(batch.entries.count <= 3 || batch.entries.count == 10)
        seen += batch.entries
      }
      #expect(seen == Array(1...20))
      #expect(sequence.reads.load(ordering: .relaxed) > 1)
    }
  }

  @Test func `a follower that keeps up does not ask storage again`() async throws {
    let sequence = try Sequence()
    defer { sequence.stop() }
    try await sequence.feed.follow("a", after: 0, replay: sequence.replay) { follower in
      let nothing = try await follower.next(waiting: false)
      #expect(nothing?.entries == nil)
      let reads = sequence.reads.load(ordering: .relaxed)
      for expected in 1...20 as ClosedRange<Int64> {
        await sequence.write(1)
        let batch = try await follower.next()
        #expect(batch?.entries == [expected])
      }
      #expect(sequence.reads.load(ordering: .relaxed) == reads)
    }
  }

  @Test func `an end wakes who waits, and lets nobody in`() async throws {
    let sequence = try Sequence()
    defer { sequence.stop() }
    let fault = Fault(.unavailable, reason: "TEST", "Over.")
    let following = Task { try await sequence.follow(to: 5) }
    while sequence.feed.followerCount == 0 { await Task.yield() }
    await sequence.write(1)
    sequence.feed.end(fault)
    await #expect(throws: fault) { try await following.value }
    await #expect(throws: fault) { try await sequence.follow(to: 5) }
  }

  @Test func `a cancelled follower leaves`() async throws {
    let sequence = try Sequence()
    defer { sequence.stop() }
    let task = Task { try await sequence.follow(to: 5) }
    while sequence.feed.followerCount == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(sequence.feed.followerCount == 0)
  }

  @Test func `more followers than the limit are refused`() async throws {
    var limits = FeedLimits()
    limits.followersMax = 1
    let sequence = try Sequence(limits)
    defer { sequence.stop() }
    try await sequence.feed.follow("a", after: 0, replay: sequence.replay) { _ in
      let refused = await #expect(throws: Fault.self) { try await sequence.follow(to: 1) }
      #expect(refused?.reason == "TOO_MANY_FOLLOWERS")
    }
  }

  @Test func `one sequence can end for its followers, and be followed anew`() async throws {
    let sequence = try Sequence()
    defer { sequence.stop() }
    await sequence.write(3)
    async let waiting = sequence.follow(to: 100)
    while sequence.feed.followerCount == 0 { await Task.yield() }
    sequence.feed.end("b", Fault(.notFound, reason: "OTHER", ""))
    sequence.feed.end("a", Fault(.notFound, reason: "GONE", ""))
    do {
      _ = try await waiting
      Issue.record("the follower was told of nothing")
    } catch let fault as Fault {
      #expect(fault.reason == "GONE")
    }
    let again = try await sequence.follow(to: 3)
    #expect(again == [1, 2, 3])
  }
}
