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
  private struct Question: Sendable {
    let key: CacheKey
    let answer: CheckedContinuation<CachedAnswer?, Never>
  }

  /// What waits for the writer, taken all at once.
  private struct Pending: Sendable {
    var writes: [CacheWrite] = []
    /// The ticks of uses, by mark.
    var touched: [UInt64: Int64] = [:]
    /// Only to be freed.
    var forgotten: [[CacheKey: CacheFront.Entry]] = []
  }

  private struct State: Sendable {
    var front: CacheFront
    /// Where in the file an answer lies, by its mark.
    var ids: [UInt64: Int64] = [:]
    var pending = Pending()
    var waitingBytes = 0
    /// Whether the writer has been told that something waits.
    var isTold = false
    /// How often the file was begun anew.
    var generation = 0

    /// Whether the writer is to be told, which it is once for all that comes meanwhile.
    mutating func tells() -> Bool {
      defer { isTold = true }
      return !isTold
    }
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
  private let writers: OwnerThreads<Void>
  private let readers: OwnerThreads<Question>

  private init(_ options: CacheOptions, _ counts: CacheCounts, _ logger: Logger) {
    self.options = options
    self.counts = counts
    self.logger = logger
    state = Lock(State(front: CacheFront(bytesMax: options.frontBytesMax)))
    writers = OwnerThreads(name: "cache-writer", waitingMax: 2, groupMax: 2)
    readers = OwnerThreads(name: "cache-reader", waitingMax: CacheLimits.questionsWaitingMax)
  }

  /// Opens the file, or begins it anew where what is there cannot be used.
  package static func open(
    _ options: CacheOptions, counts: CacheCounts, logger: Logger
  ) async throws -> AnswerCache {
    let cache = AnswerCache(options, counts, logger)
    try await cache.writers.start(
      open: { [unowned cache] in try cache.openWriter() },
      take: { [weak cache] seat, _ in cache?.takePending(seat) },
      gathers: CacheLimits.gathering,
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
    _ = writers.submit((), isUrgent: true)
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
    let mark = key.mark
    let (entry, mayBeThere) = state.withLock { state in
      let entry = state.front.use(key)
      return (entry, entry == nil && state.ids[mark] != nil)
    }
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
      forget(key)
      return counts.count(.dropped, key.product)
    }
    let now = options.clock()
    let (isTaken, isFirst) = state.withLock { state in
      state.front.put(
        .init(answer: answer, keptMilliseconds: now, tick: CacheWriter.tick(now)), for: key)
      guard state.pending.writes.count < CacheLimits.writesWaitingMax,
        state.waitingBytes + answer.byteCount <= CacheLimits.writesWaitingBytesMax
      else { return (false, false) }
      state.pending.writes.append(CacheWrite(key: key, answer: answer, keptMilliseconds: now))
      state.waitingBytes += answer.byteCount
      return (true, state.tells())
    }
    if !isTaken { counts.count(.dropped, key.product) }
    if isFirst { _ = writers.submit((), isUrgent: true) }
  }

  private func isOld(_ keptMilliseconds: Int64, at now: Int64) -> Bool {
    now - keptMilliseconds > options.ageMaxMilliseconds
  }

  /// Remembers a use that the file is to hear of: once in a while, and many at once.
  private func noteUse(of key: CacheKey, since tick: Int64, at now: Int64) {
    let current = CacheWriter.tick(now)
    guard current > tick else { return }
    let mark = key.mark
    let isFull = state.withLock { state in
      state.front.told(key, tick: current)
      let room = CacheLimits.touchesMax - state.pending.touched.count
      if room > 0 { state.pending.touched[mark] = current }
      return room == CacheLimits.touchesMax / 2 && state.tells()
    }
    if isFull { _ = writers.submit((), isUrgent: true) }
  }

  // MARK: - On the reading thread

  private func look(_ key: CacheKey, _ reader: CacheReader) -> CachedAnswer? {
    let (id, generation) = state.withLock { ($0.ids[key.mark], $0.generation) }
    guard let id else { return nil }
    do throws(SQLiteError) {
      switch try reader.answer(key, at: id, generation: generation) {
      case .nothing: return nil
      case .damaged:
        counts.count(.failed, key.product)
        forget(key)
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
    var ids = try writer.survey()
    // It grows no more while answers are made: to move a hundred thousand takes milliseconds.
    ids.reserveCapacity(min(CacheLimits.answersMax, options.bytesMax / CachedAnswer.rowBytes))
    state.withLock { $0.ids = ids }
    account(try writer.write([]))
  }

  private func takePending(_ seat: Seat) {
    let pending = state.withLock { state in
      state.isTold = false
      state.waitingBytes = 0
      defer { state.pending = Pending() }
      state.pending.forgotten = state.front.takeForgotten()
      return state.pending
    }
    var touched = pending.touched
    var rest = pending.writes[...]
    repeat {
      take(Array(rest.prefix(CacheLimits.writesGroupedMax)), touched, seat)
      rest = rest.dropFirst(CacheLimits.writesGroupedMax)
      touched = [:]
    } while !rest.isEmpty
  }

  private func take(_ all: [CacheWrite], _ touches: [UInt64: Int64], _ seat: Seat) {
    // Of two answers to the same question the later one.
    var last: [UInt64: CacheWrite] = [:]
    for write in all { last[write.key.mark] = write }
    let writes = Array(last.values)
    let (replaced, touched) = state.withLock { state in
      (
        last.keys.compactMap { state.ids[$0] },
        touches.reduce(into: [Int64: Int64]()) { touched, touch in
          if let id = state.ids[touch.key] { touched[id] = touch.value }
        }
      )
    }
    do throws(SQLiteError) {
      guard let writer = seat.writer else { return beginAnew(seat, writes) }
      account(try writer.write(writes, replacing: replaced, touched: touched))
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
        state.ids = [:]
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
      for evicted in outcome.evicted where state.ids[evicted.key.mark] == evicted.id {
        state.ids[evicted.key.mark] = nil
        state.front.remove(evicted.key)
      }
      for (key, id) in outcome.stored { state.ids[key.mark] = id }
      // What one group brings may be too much for itself.
      for evicted in outcome.evicted where state.ids[evicted.key.mark] == evicted.id {
        state.ids[evicted.key.mark] = nil
      }
    }
    for (key, _) in outcome.stored { counts.count(.stored, key.product) }
    for gone in outcome.evicted { counts.count(gone.isOld ? .expired : .evicted, gone.key.product) }
  }

  private func forget(_ key: CacheKey) {
    state.withLock { state in
      state.ids[key.mark] = nil
      state.front.remove(key)
    }
  }

  private func warn(_ what: StaticString, _ error: SQLiteError) {
    logger.warning(
      what, [.path: .string(options.path), .error: .string("\(error)")])
  }
}
