import EventLoop
import Faults
import GatewayValues
import Locking
import SQLite
package import Telemetry

/// Answers by what was asked, for one product each.
///
/// A question is answered from memory where it can be, else by a thread that reads; an answer is
/// kept in memory at once and in the file by a thread that writes. When the file fails, whoever
/// asks is answered with nothing: a cache never fails a call.
package final class AnswerCache: Sendable {
  private enum Work: Sendable {
    case write(CacheWrite)
    /// Uses have gathered.
    case touch
  }

  private struct Question: Sendable {
    let key: CacheKey
    let answer: CheckedContinuation<CachedAnswer?, Never>
  }

  private struct State: Sendable {
    var front: CacheFront
    /// Of what is in the file.
    var marks: Set<UInt64> = []
    var touched: [CacheKey: Int64] = [:]
    var waitingBytes = 0
    /// How often the file was begun anew.
    var generation = 0
  }

  private final class Seat {
    var writer: CacheWriter?
    var begunAnew: ContinuousClock.Instant?

    init(_ writer: CacheWriter) { self.writer = writer }
  }

  private let options: CacheOptions
  private let counts: CacheCounts
  private let logger: Logger
  private let state: Lock<State>
  private let writers: OwnerThreads<Work>
  private let readers: OwnerThreads<Question>

  private init(_ options: CacheOptions, _ counts: CacheCounts, _ logger: Logger) {
    self.options = options
    self.counts = counts
    self.logger = logger
    state = Lock(State(front: CacheFront(bytesMax: options.frontBytesMax)))
    writers = OwnerThreads(
      name: "cache-writer", waitingMax: CacheLimits.writesWaitingMax,
      groupMax: CacheLimits.writesGroupedMax)
    readers = OwnerThreads(name: "cache-reader", waitingMax: CacheLimits.questionsWaitingMax)
  }

  /// Opens the file, or begins it anew where what is there cannot be used.
  package static func open(
    _ options: CacheOptions, counts: CacheCounts, logger: Logger
  ) async throws -> AnswerCache {
    let cache = AnswerCache(options, counts, logger)
    try await cache.writers.start(
      open: { [unowned cache] in try cache.openWriter() },
      take: { [weak cache] seat, work in cache?.take(work, seat) },
      close: { seat in seat.writer?.close() })
    do {
      try await cache.readers.start(
        open: { CacheReader(options) },
        take: { [weak cache] reader, questions in
          for question in questions {
            question.answer.resume(returning: cache?.look(question.key, reader))
          }
        })
    } catch {
      await cache.writers.end()
      throw error
    }
    return cache
  }

  /// Writes what waits, and closes the file.
  package func close() async {
    _ = writers.submit(.touch, isUrgent: true)
    await readers.end()
    await writers.end()
  }

  // MARK: - Asking and keeping

  /// The answer that was kept for it, unless it is older than any may be.
  package func answer(_ key: CacheKey) async -> CachedAnswer? {
    let answer = await find(key)
    counts.count(answer == nil ? .miss : .hit, key.product)
    return answer
  }

  private func find(_ key: CacheKey) async -> CachedAnswer? {
    let now = options.clock()
    let (entry, mayBeThere) = state.withLock { ($0.front.use(key), $0.marks.contains(key.mark)) }
    if let entry {
      guard !isOld(entry.keptMilliseconds, at: now) else { return nil }
      noteUse(of: key, since: entry.tick, at: now)
      return entry.answer
    }
    guard mayBeThere else { return nil }
    return await withCheckedContinuation { continuation in
      guard readers.submit(Question(key: key, answer: continuation)) != .taken else { return }
      counts.count(.failed, key.product)
      continuation.resume(returning: nil)
    }
  }

  /// Keeps an answer for whoever asks the same; returns at once.
  package func keep(_ answer: CachedAnswer, for key: CacheKey) {
    guard answer.byteCount <= min(CacheLimits.answerBytesMax, options.bytesMax) else {
      // What was kept before is not what was answered last.
      forget([key])
      return counts.count(.dropped, key.product)
    }
    let now = options.clock()
    let isTaken = state.withLock { state in
      state.front.put(
        .init(answer: answer, keptMilliseconds: now, tick: CacheWriter.tick(now)), for: key)
      guard state.waitingBytes + answer.byteCount <= CacheLimits.writesWaitingBytesMax else {
        return false
      }
      state.waitingBytes += answer.byteCount
      return true
    }
    let write = CacheWrite(key: key, answer: answer, keptMilliseconds: now)
    guard isTaken else { return counts.count(.dropped, key.product) }
    if writers.submit(.write(write)) != .taken {
      state.withLock { $0.waitingBytes -= answer.byteCount }
      counts.count(.dropped, key.product)
    }
  }

  private func isOld(_ keptMilliseconds: Int64, at now: Int64) -> Bool {
    now - keptMilliseconds > options.ageMaxMilliseconds
  }

  /// Remembers a use that the file is to hear of: once in a while, and many at once.
  private func noteUse(of key: CacheKey, since tick: Int64, at now: Int64) {
    let current = CacheWriter.tick(now)
    guard current > tick else { return }
    let isFull = state.withLock { state in
      state.front.told(key, tick: current)
      if state.touched.count < CacheLimits.touchesMax { state.touched[key] = current }
      return state.touched.count == CacheLimits.touchesMax / 2
    }
    if isFull { _ = writers.submit(.touch) }
  }

  // MARK: - On the reading thread

  private func look(_ key: CacheKey, _ reader: CacheReader) -> CachedAnswer? {
    let generation = state.withLock { $0.generation }
    do throws(SQLiteError) {
      switch try reader.answer(key, generation: generation) {
      case .nothing: return nil
      case .damaged:
        counts.count(.failed, key.product)
        forget([key])
        logger.warning("an answer of the cache was damaged", [.product: .string(key.product.text)])
        return nil
      case .answer(let answer, let kept, let tick):
        let now = options.clock()
        guard !isOld(kept, at: now) else { return nil }
        state.withLock {
          $0.front.put(.init(answer: answer, keptMilliseconds: kept, tick: tick), for: key)
        }
        noteUse(of: key, since: tick, at: now)
        return answer
      }
    } catch {
      counts.count(.failed, key.product)
      warn("the cache cannot be read", error)
      return nil
    }
  }

  // MARK: - On the writing thread

  private func openWriter() throws -> Seat {
    let (connection, freshStart) = try CacheSchema.open(options)
    guard let connection else { throw CacheSchema.foreign(options.path) }
    var writer = CacheWriter(connection, options)
    do {
      try begin(writer)
    } catch {
      guard error.code == .damaged else { throw error }
      writer = CacheWriter(try CacheSchema.anew(options), options)
      try begin(writer)
    }
    if let freshStart {
      logger.warning(
        "the response cache was begun anew",
        [.path: .string(options.path), .reason: .string(freshStart.rawValue)])
    }
    return Seat(writer)
  }

  /// Learns what is there, and drops what is too old or too much by now.
  private func begin(_ writer: CacheWriter) throws(SQLiteError) {
    let marks = try writer.survey()
    state.withLock { $0.marks = marks }
    account(try writer.write([], touched: [:]))
  }

  private func take(_ work: [Work], _ seat: Seat) {
    let writes = work.compactMap { work -> CacheWrite? in
      if case .write(let write) = work { write } else { nil }
    }
    let bytes = writes.reduce(0) { $0 + $1.answer.byteCount }
    let touched = state.withLock { state in
      state.waitingBytes -= bytes
      defer { state.touched = [:] }
      return state.touched
    }
    do throws(SQLiteError) {
      guard let writer = seat.writer else { return beginAnew(seat, writes) }
      account(try writer.write(writes, touched: touched))
    } catch {
      for write in writes { counts.count(.failed, write.key.product) }
      warn("the cache cannot be written", error)
      if error.code == .damaged { seat.writer = nil }
    }
  }

  /// A file that was damaged while it was open is thrown away, but not again and again.
  private func beginAnew(_ seat: Seat, _ writes: [CacheWrite]) {
    for write in writes { counts.count(.failed, write.key.product) }
    let now = ContinuousClock.now
    if let last = seat.begunAnew, now - last < CacheLimits.freshStartPause { return }
    seat.begunAnew = now
    do throws(SQLiteError) {
      let writer = CacheWriter(try CacheSchema.anew(options), options)
      state.withLock { state in
        state.marks = []
        state.generation += 1
      }
      seat.writer = writer
      logger.warning("the response cache was begun anew", [.path: .string(options.path)])
    } catch {
      warn("the cache cannot be begun anew", error)
    }
  }

  private func account(_ outcome: CacheWriter.Outcome) {
    state.withLock { state in
      for evicted in outcome.evicted {
        state.marks.remove(evicted.key.mark)
        state.front.remove(evicted.key)
      }
      for key in outcome.stored { state.marks.insert(key.mark) }
    }
    for key in outcome.stored { counts.count(.stored, key.product) }
    for (key, isOld) in outcome.evicted { counts.count(isOld ? .expired : .evicted, key.product) }
  }

  private func forget(_ keys: [CacheKey]) {
    state.withLock { state in
      for key in keys {
        state.marks.remove(key.mark)
        state.front.remove(key)
      }
    }
  }

  private func warn(_ what: StaticString, _ error: SQLiteError) {
    logger.warning(
      what, [.path: .string(options.path), .error: .string("\(error)")])
  }
}
