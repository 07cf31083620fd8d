/// Entries of one sequence that follow each other, and what all their followers share.
package struct FeedBatch<Entry: Sendable, Shared: Sendable>: Sendable {
  /// Sequence of the first entry.
  package let first: Int64
  package let entries: [Entry]
  package let shared: Shared

  /// Sequence of the last entry.
  package var last: Int64 { first + Int64(entries.count) - 1 }
}

/// The newest of one sequence: a ring of batches and what is not yet told. No I/O and no clock.
package struct FeedTopic<Entry: Sendable, Shared: Sendable>: Sendable {
  /// What an append asks for.
  enum Flush: Equatable {
    case now
    case after(Duration)
    /// Somebody has asked for it already.
    case waits
  }

  /// What there is behind a cursor.
  enum Look {
    /// A whole batch, as others get it.
    case batch(FeedBatch<Entry, Shared>)
    /// A part of one.
    case part(first: Int64, [Entry])
    /// Older than what is kept, or never looked for: storage knows.
    case storage
    case nothing
  }

  package var followerCount = 0
  private var batches: [FeedBatch<Entry, Shared>] = []
  private var sizes: [Int] = []
  /// Of what is kept, as the feed counts.
  private(set) var byteCount = 0
  private var pending: [Entry] = []
  private var pendingFirst: Int64 = 0
  private var isFlushAsked = false
  private var nextFlush: UInt64 = 0

  package init() {}

  /// Below it libuv's timers cannot wait.
  private static var pauseLeast: UInt64 { 1_000_000 }

  mutating func append(
    _ entries: [Entry], first: Int64, at now: UInt64, _ limits: FeedLimits
  ) -> Flush {
    guard !entries.isEmpty else { return .waits }
    if pending.isEmpty { pendingFirst = first }
    pending += entries
    if pending.count >= limits.entriesPerBatchMax { return .now }
    guard !isFlushAsked else { return .waits }
    guard now < nextFlush, nextFlush - now >= Self.pauseLeast else { return .now }
    isFlushAsked = true
    return .after(.nanoseconds(Int64(nextFlush - now)))
  }

  /// Makes batches of what is pending; false when there is nothing.
  mutating func flush(
    at now: UInt64, _ limits: FeedLimits, bytes: (Entry) -> Int,
    share: (Int64, [Entry]) -> Shared
  ) -> Bool {
    isFlushAsked = false
    guard !pending.isEmpty else { return false }
    let pause = min(limits.pauseMax, limits.pausePerFollower * followerCount)
    nextFlush = now + UInt64(max(0, pause / .nanoseconds(1)))
    var entries: [Entry] = []
    var size = 0
    for entry in pending {
      let more = bytes(entry)
      let isFull =
        entries.count == limits.entriesPerBatchMax || size + more > limits.bytesPerBatchMax
      if isFull, !entries.isEmpty {
        close(entries, size, share)
        entries = []
        size = 0
      }
      entries.append(entry)
      size += more
    }
    close(entries, size, share)
    pending = []
    forget(limits.batchesMax, bytesMax: limits.bytesMax)
    return true
  }

  private mutating func close(
    _ entries: [Entry], _ size: Int, _ share: (Int64, [Entry]) -> Shared
  ) {
    batches.append(
      FeedBatch(first: pendingFirst, entries: entries, shared: share(pendingFirst, entries)))
    sizes.append(size)
    byteCount += size
    pendingFirst += Int64(entries.count)
  }

  /// Keeps the newest batch whatever it takes: whoever waits is about to be told of it.
  ///
  /// What is forgotten is let go of at once: a few hundred batches are moved up in less time than
  /// it takes to make one, while a place that waits to be reused may hold a megabyte.
  mutating func forget(_ batchesMax: Int, bytesMax: Int) {
    var count = 0
    while batches.count - count > 1, batches.count - count > batchesMax || byteCount > bytesMax {
      byteCount -= sizes[count]
      count += 1
    }
    batches.removeFirst(count)
    sizes.removeFirst(count)
  }

  /// Whether a batch reaches behind the cursor.
  func has(after cursor: Int64) -> Bool { batches.last.map { $0.last > cursor } ?? false }

  func look(after cursor: Int64, entriesMax: Int, hasRead: Bool) -> Look {
    guard has(after: cursor) else {
      // What is pending is durable, but told when its pause is over.
      return hasRead || !batches.isEmpty && batches.last?.last == cursor ? .nothing : .storage
    }
    // The last batch that begins at or before the entry behind the cursor.
    var low = 0
    var high = batches.count
    while low < high {
      let middle = (low + high) / 2
      if batches[middle].first <= cursor + 1 { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return .storage }
    let batch = batches[low - 1]
    guard batch.last > cursor else { return .storage }
    let skipped = Int(cursor + 1 - batch.first)
    if skipped == 0, batch.entries.count <= entriesMax { return .batch(batch) }
    return .part(
      first: cursor + 1, Array(batch.entries.dropFirst(skipped).prefix(entriesMax)))
  }
}
