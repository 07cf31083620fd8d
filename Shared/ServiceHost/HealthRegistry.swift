import Locking

/// What a process says of its own health, by service name; "" is the process as a whole.
///
/// Safe from any thread. Watchers get the newest status, never a queue of old ones.
package final class HealthRegistry: Sendable {
  package enum Status: Sendable {
    case serving, notServing
  }

  private struct State {
    var statuses: [String: Status] = [:]
    var watchers: [Int: (service: String, changed: AsyncStream<Status?>.Continuation)] = [:]
    var nextWatcher = 0
  }

  private let state = Lock(State())
  package static let watchersMax = 1024

  /// Every named service starts as not serving.
  package init(services: [String]) {
    state.withLock { state in
      for name in services + [""] { state.statuses[name] = .notServing }
    }
  }

  /// The same for every service: this process serves, or it does not.
  package func set(_ status: Status) {
    state.withLock { state in
      for name in state.statuses.keys { state.statuses[name] = status }
      for watcher in state.watchers.values where state.statuses[watcher.service] != nil {
        watcher.changed.yield(status)
      }
    }
  }

  /// The process ends: nothing serves any more, and nobody need watch on. A drain does not wait
  /// for watchers then.
  package func close() {
    set(.notServing)
    let watchers = state.withLock { $0.watchers.values.map(\.changed) }
    for watcher in watchers { watcher.finish() }
  }

  /// Nil for a service that this process does not have.
  package func status(of service: String) -> Status? {
    state.withLock { $0.statuses[service] }
  }

  package var all: [String: Status] { state.withLock { $0.statuses } }

  /// The status now and whenever it changes; nil when too many watch already.
  package func watch(_ service: String) -> AsyncStream<Status?>? {
    let (stream, changed) = AsyncStream<Status?>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state -> Int? in
      guard state.watchers.count < HealthRegistry.watchersMax else { return nil }
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = (service, changed)
      changed.yield(state.statuses[service])
      return state.nextWatcher
    }
    guard let number else { return nil }
    changed.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
    }
    return stream
  }
}
