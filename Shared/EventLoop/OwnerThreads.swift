import Synchronization

/// Threads of which each owns something that only one thread may touch: a writer, a reader. All
/// take their work from one bounded queue, a group at a time.
///
/// What a thread owns is opened, used and closed on that thread and never leaves it.
package final class OwnerThreads<Item: Sendable>: Sendable {
  fileprivate struct State: Sendable {
    var waiting: [Item] = []
    var threadCount = 0
    var isEnding = false
    var ended: [CheckedContinuation<Void, Never>] = []
  }

  fileprivate enum Next { case group([Item]), end }

  /// Whether there is something to do, for a thread that stays awake for it: said with the lock
  /// held, read without.
  private final class News: Sendable {
    let isThere = Atomic(false)
  }

  package let name: String
  private let core = Monitor(State())
  private let news = News()
  private let waitingMax: Int
  private let groupMax: Int

  /// At most `waitingMax` items wait; a thread takes at most `groupMax` of them at once.
  package init(name: String, waitingMax: Int, groupMax: Int = 1) {
    self.name = name
    self.waitingMax = max(1, waitingMax)
    self.groupMax = max(1, groupMax)
  }

  deinit {
    core.withLock { $0.isEnding = true }
    news.isThere.store(true, ordering: .releasing)
    core.broadcast()
  }

  /// Starts one more thread and returns when it has opened what it owns, or throws why it cannot.
  ///
  /// `rest` is called once when nothing came for `restAfter`; `close` when the thread ends. Where
  /// the next item is expected within `lingerMax`, the thread stays awake for it. One that
  /// `gathers` lets what comes within so long after the first join it; one that `stepsBack` lets
  /// other threads go first: both where nobody waits for what it does.
  package func start<Owned>(
    open: @escaping @Sendable () throws -> Owned,
    take: @escaping @Sendable (Owned, [Item]) -> Void,
    lingerMax: Duration? = nil, gathers: Duration? = nil, stepsBack: Bool = false,
    restAfter: Duration? = nil,
    rest: @escaping @Sendable (Owned) -> Void = { _ in },
    close: @escaping @Sendable (Owned) -> Void = { _ in }
  ) async throws {
    let (core, news, groupMax) = (core, news, groupMax)
    core.withLock { $0.threadCount += 1 }
    do {
      try await withCheckedThrowingContinuation {
        (opened: CheckedContinuation<Void, any Error>) in
        do throws(EventLoopError) {
          try OwnThread.detach(name: name) {
            if stepsBack { OwnThread.stepBack() }
            let owned: Owned
            do {
              owned = try open()
            } catch {
              return opened.resume(throwing: error)
            }
            opened.resume()
            var lingering = Lingering(atMost: lingerMax)
            Self.work(
              { rests in
                lingering.wait(for: news.isThere)
                if let gathers { Self.gather(core, gathers, atMost: rests ? restAfter : nil) }
                return core.wait(atMost: rests ? restAfter : nil) { state in
                  let next = state.next(groupMax)
                  let isMore = !state.waiting.isEmpty || state.isEnding
                  news.isThere.store(isMore, ordering: .releasing)
                  return next
                }
              },
              { items in
                lingering.began(count: items.count)
                take(owned, items)
                lingering.ended()
              }, { rest(owned) })
            close(owned)
            Self.leave(core)
          }
        } catch {
          opened.resume(throwing: error)
        }
      }
    } catch {
      Self.leave(core)
      throw error
    }
  }

  /// What became of an item.
  package enum Submission: Sendable {
    case taken
    /// As many wait as may.
    case full
    /// No thread will come for it.
    case ended
  }

  /// Takes an item on for the next thread that is free; `isUrgent` ones beyond the limit too.
  package func submit(_ item: Item, isUrgent: Bool = false) -> Submission {
    let outcome = core.withLock { state -> Submission in
      guard !state.isEnding, state.threadCount > 0 else { return .ended }
      guard isUrgent || state.waiting.count < waitingMax else { return .full }
      state.waiting.append(item)
      news.isThere.store(true, ordering: .releasing)
      return .taken
    }
    if outcome == .taken { core.signal() }
    return outcome
  }

  /// Items that no thread has taken yet.
  package var waitingCount: Int { core.withLock { $0.waiting.count } }

  /// Takes nothing on any more, does what waits, and returns when every thread has closed what it
  /// owns.
  package func end() async {
    await withCheckedContinuation { continuation in
      let hasEnded = core.withLock { state in
        state.isEnding = true
        news.isThere.store(true, ordering: .releasing)
        guard state.threadCount > 0 else { return true }
        state.ended.append(continuation)
        return false
      }
      core.broadcast()
      if hasEnded { continuation.resume() }
    }
  }

  // MARK: - On the threads

  private static func work(
    _ next: (_ rests: Bool) -> Next?, _ take: ([Item]) -> Void, _ rest: () -> Void
  ) {
    var hasRested = true
    while true {
      switch next(!hasRested) {
      case .group(let items):
        take(items)
        hasRested = false
      case .end: return
      case nil:
        rest()
        hasRested = true
      }
    }
  }

  /// Returns a while after something has come, or at once when the end has.
  private static func gather(
    _ core: Monitor<State>, _ gathers: Duration, atMost restAfter: Duration?
  ) {
    let hasCome = core.wait(atMost: restAfter) { $0.waiting.isEmpty && !$0.isEnding ? nil : true }
    guard hasCome != nil else { return }
    core.wait(atMost: gathers) { $0.isEnding ? true : nil }
  }

  private static func leave(_ core: Monitor<State>) {
    let ended = core.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.threadCount -= 1
      guard state.threadCount == 0 else { return [] }
      defer { state.ended = [] }
      return state.ended
    }
    for waiter in ended { waiter.resume() }
  }
}

extension OwnerThreads.State {
  /// Nil when there is nothing to do but to wait.
  fileprivate mutating func next(_ groupMax: Int) -> OwnerThreads.Next? {
    guard !waiting.isEmpty else { return isEnding ? .end : nil }
    if waiting.count <= groupMax {
      defer { waiting = [] }
      return .group(waiting)
    }
    let group = Array(waiting.prefix(groupMax))
    waiting.removeFirst(groupMax)
    return .group(group)
  }
}
