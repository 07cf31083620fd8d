// Feed: many followers of append-only sequences. Whoever appends says what became durable; each
// follower reads what was before from storage, then what is appended, without a gap or a repeat,
// at its own pace: one that falls behind costs no memory and reads from storage again. What
// followers share is made once. It knows no service, keeps nothing of a sequence that nobody
// follows, and never holds up whoever appends. Limits: `FeedLimits`.

package import EventLoop
package import Faults
import Locking

/// Bounds on what a feed keeps and how often it speaks.
package struct FeedLimits: Sendable {
  /// Newest batches kept of one sequence, for followers that are a little behind.
  package var batchesMax = 512
  /// Of the entries of those batches, as `bytes` says.
  package var bytesMax = 2 << 20
  /// Of all sequences together; above it each keeps its newest batch alone.
  package var bytesOfAllMax = 64 << 20
  /// Of one batch, which may be one message. A batch has one entry, however large.
  package var entriesPerBatchMax = 256
  package var bytesPerBatchMax = 1 << 20
  /// Followers of all sequences together.
  package var followersMax = 20_000
  /// Between two batches of one sequence there is at least this much for each follower: what it
  /// costs to tell one. Few followers hear of each entry at once, many of several together.
  package var pausePerFollower = Duration.microseconds(20)
  package var pauseMax = Duration.milliseconds(25)

  package init() {}
}

/// Sequences by key, their newest entries, and who waits for the next.
///
/// `append` belongs to the loop; following is free to any task. `Shared` is what all followers of
/// a batch can use together, such as its packed message.
package final class Feed<Key: Hashable & Sendable, Entry: Sendable, Shared: Sendable>: Sendable {
  package typealias Topic = FeedTopic<Entry, Shared>
  typealias Waiting = CheckedContinuation<Void, Never>

  private struct State {
    var topics: [Key: Topic] = [:]
    var waiting: [Key: [UInt64: Waiting]] = [:]
    var followerCount = 0
    /// Bytes kept, by sequence and together.
    var bytes: [Key: Int] = [:]
    var byteCount = 0
    var lastID: UInt64 = 0
    var ending: Fault?
    /// Sequences that ended for those who follow them now.
    var endings: [Key: Fault] = [:]

    /// After a topic got more.
    mutating func count(_ key: Key, _ limits: FeedLimits) {
      if byteCount > limits.bytesOfAllMax { topics[key]?.forget(1, bytesMax: 0) }
      let now = topics[key]?.byteCount ?? 0
      byteCount += now - (bytes.updateValue(now, forKey: key) ?? 0)
    }
  }

  private let loop: EventLoop
  private let limits: FeedLimits
  private let share: @Sendable (_ first: Int64, [Entry]) -> Shared
  private let bytes: @Sendable (Entry) -> Int
  private let state = Lock(State())

  /// `share` makes what followers of a batch have in common, from its entries and the sequence
  /// of the first; `bytes` says about how much memory an entry takes.
  package init(
    on loop: EventLoop, limits: FeedLimits = FeedLimits(),
    bytes: @escaping @Sendable (Entry) -> Int,
    share: @escaping @Sendable (_ first: Int64, [Entry]) -> Shared
  ) {
    self.loop = loop
    self.limits = limits
    self.bytes = bytes
    self.share = share
  }

  /// Followers of all sequences.
  package var followerCount: Int { state.withLock { $0.followerCount } }

  // MARK: - Appending

  /// Tells followers of entries that are durable by now; `first` is the sequence of the first of
  /// them, and they follow what was appended under this key before. Loop's thread only.
  package func append(_ entries: [Entry], to key: Key, first: Int64) {
    loop.assertCurrent()
    let now = loop.nowNanoseconds
    let flush = state.withLock { state in
      state.topics[key]?.append(entries, first: first, at: now, limits)
    }
    switch flush {
    case .none, .some(.waits): break
    case .some(.now): self.flush(key)
    case .some(.after(let delay)):
      loop.schedule(after: delay) { [weak self] in self?.flush(key) }
    }
  }

  private func flush(_ key: Key) {
    let now = loop.nowNanoseconds
    let woken = state.withLock { state -> [UInt64: Waiting]? in
      guard state.topics[key]?.flush(at: now, limits, bytes: bytes, share: share) == true else {
        return nil
      }
      state.count(key, limits)
      return state.waiting.removeValue(forKey: key)
    }
    guard let woken else { return }
    for waiter in woken.values { waiter.resume() }
  }

  /// Ends all following with `fault`, now and from now on.
  package func end(_ fault: Fault) {
    let woken = state.withLock { state in
      state.ending = fault
      defer { state.waiting = [:] }
      return state.waiting
    }
    for waiter in woken.values.flatMap(\.values) { waiter.resume() }
  }

  /// Ends the following of one sequence by those who follow it now.
  package func end(_ key: Key, _ fault: Fault) {
    let woken = state.withLock { state -> [UInt64: Waiting]? in
      guard state.topics[key] != nil else { return nil }
      state.endings[key] = fault
      return state.waiting.removeValue(forKey: key)
    }
    guard let woken else { return }
    for waiter in woken.values { waiter.resume() }
  }

  // MARK: - Following

  /// Runs `body` with a follower that stands behind `seq`. `replay` reads what storage has behind
  /// a sequence, in order, some at a time; nothing when there is no more.
  package func follow<R>(
    _ key: Key, after seq: Int64, entriesMax: Int? = nil,
    replay: @escaping @Sendable (_ after: Int64) async throws -> [Entry],
    _ body: (inout Follower) async throws -> R
  ) async throws -> R {
    try enter(key)
    defer { leave(key) }
    var follower = Follower(
      feed: self, key: key, cursor: seq,
      entriesMax: min(max(1, entriesMax ?? .max), limits.entriesPerBatchMax), replay: replay)
    return try await body(&follower)
  }

  private func enter(_ key: Key) throws(Fault) {
    try state.withLock { state throws(Fault) in
      if let ending = state.ending { throw ending }
      guard state.followerCount < limits.followersMax else {
        throw Fault(
          .resourceExhausted, reason: "TOO_MANY_FOLLOWERS",
          "\(limits.followersMax) calls follow already.", retryAfter: .seconds(1),
          facts: ["limit": "followersMax"])
      }
      state.followerCount += 1
      state.topics[key, default: Topic()].followerCount += 1
    }
  }

  private func leave(_ key: Key) {
    state.withLock { state in
      state.followerCount -= 1
      state.topics[key]?.followerCount -= 1
      if state.topics[key]?.followerCount == 0 {
        state.topics[key] = nil
        state.endings[key] = nil
        state.byteCount -= state.bytes.removeValue(forKey: key) ?? 0
      }
    }
  }

  fileprivate func look(
    _ key: Key, after cursor: Int64, entriesMax: Int, hasRead: Bool
  ) throws(Fault) -> Topic.Look {
    try state.withLock { state throws(Fault) in
      if let ending = state.ending ?? state.endings[key] { throw ending }
      guard let topic = state.topics[key] else { return .storage }
      return topic.look(after: cursor, entriesMax: entriesMax, hasRead: hasRead)
    }
  }

  fileprivate func shared(_ first: Int64, _ entries: [Entry]) -> Shared { share(first, entries) }

  /// Returns when there is something behind the cursor, or when the task is cancelled.
  fileprivate func wait(_ key: Key, after cursor: Int64) async throws {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          guard state.ending == nil, state.endings[key] == nil, !Task.isCancelled,
            state.topics[key]?.has(after: cursor) == false
          else { return true }
          state.waiting[key, default: [:]][id] = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiting[key]?.removeValue(forKey: id) }
      waiter?.resume()
    }
    try Task.checkCancellation()
  }
}

extension Feed {
  /// Where one follower stands; used by one task.
  package struct Follower {
    private let feed: Feed
    private let key: Key
    /// The sequence of the last entry that it was given.
    package private(set) var cursor: Int64
    private let entriesMax: Int
    private let replay: @Sendable (Int64) async throws -> [Entry]
    /// Storage had nothing behind the cursor.
    private var hasRead = false

    fileprivate init(
      feed: Feed, key: Key, cursor: Int64, entriesMax: Int,
      replay: @escaping @Sendable (Int64) async throws -> [Entry]
    ) {
      self.feed = feed
      self.key = key
      self.cursor = cursor
      self.entriesMax = entriesMax
      self.replay = replay
    }

    /// The next entries in order, at least one. Without `waiting`: nil when there is nothing now.
    package mutating func next(waiting: Bool = true) async throws -> FeedBatch<Entry, Shared>? {
      while true {
        try Task.checkCancellation()
        switch try feed.look(key, after: cursor, entriesMax: entriesMax, hasRead: hasRead) {
        case .batch(let batch):
          cursor = batch.last
          return batch
        case .part(let first, let entries): return step(first, entries)
        case .storage:
          let entries = try await replay(cursor)
          hasRead = entries.isEmpty
          if !entries.isEmpty { return step(cursor + 1, entries) }
        case .nothing:
          guard waiting else { return nil }
          try await feed.wait(key, after: cursor)
        }
      }
    }

    private mutating func step(_ first: Int64, _ entries: [Entry]) -> FeedBatch<Entry, Shared> {
      let entries = entries.count > entriesMax ? Array(entries.prefix(entriesMax)) : entries
      let batch = FeedBatch(first: first, entries: entries, shared: feed.shared(first, entries))
      cursor = batch.last
      return batch
    }
  }
}
