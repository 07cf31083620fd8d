import Locking

/// "Please stop": its own thing, apart from cancellation, which says "stop now, and lose what
/// you hold". Given once; whoever asks later hears it at once.
package final class ShutdownSignal: Sendable {
  private struct State {
    var isRequested = false
    var handlers: [UInt64: @Sendable () -> Void] = [:]
    var lastKey: UInt64 = 0
  }

  private let state = Lock(State())

  package init() {}

  /// The signal of the part that the current task works for; nil outside of a lifecycle.
  @TaskLocal package static var current: ShutdownSignal?

  package var isRequested: Bool { state.withLock { $0.isRequested } }

  /// Gives the signal; giving it again changes nothing.
  package func request() {
    let handlers = state.withLock { state in
      state.isRequested = true
      defer { state.handlers = [:] }
      return state.handlers
    }
    for (_, handler) in handlers.sorted(by: { $0.key < $1.key }) { handler() }
  }

  /// Returns when the signal is given or the task is cancelled, whichever comes first.
  package func wait() async {
    let key = nextKey()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard register(key, { continuation.resume() }) else {
          continuation.resume()
          return
        }
        // A cancellation that came before there was anything to find is heard here.
        if Task.isCancelled { take(key)?() }
      }
    } onCancel: {
      take(key)?()
    }
  }

  /// Runs `operation`, and meanwhile `onShutdown` when the signal is given: at most once, on
  /// the thread that gives it, or here when it was given before.
  package func withHandler<R>(
    _ onShutdown: @escaping @Sendable () -> Void, during operation: () async throws -> R
  ) async rethrows -> R {
    let key = nextKey()
    if !register(key, onShutdown) { onShutdown() }
    defer { _ = take(key) }
    return try await operation()
  }

  private func nextKey() -> UInt64 {
    state.withLock { state in
      state.lastKey += 1
      return state.lastKey
    }
  }

  /// False when the signal was given before.
  private func register(_ key: UInt64, _ handler: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      guard !state.isRequested else { return false }
      state.handlers[key] = handler
      return true
    }
  }

  private func take(_ key: UInt64) -> (@Sendable () -> Void)? {
    state.withLock { $0.handlers.removeValue(forKey: key) }
  }
}
