// Lifecycle: how a process lives and ends. It runs the parts of a process together, hears
// SIGTERM and SIGINT, and stops the parts one after another, last started first, within a named
// time; it tells the service manager (sd_notify) and takes the sockets that one hands over
// (LISTEN_FDS). It never restarts a part, knows nothing of what the parts do, and never waits
// longer than its limits for one that does not stop. Limits: `LifecycleLimits`.

/// A part of a process. `run()` is its only verb: it returns when its work is over, which is
/// when `ShutdownSignal.current` says so, or throws when it cannot go on.
package protocol LongRunning: Sendable {
  /// Works until it is told to stop: gracefully by the shutdown signal, at once by cancellation.
  func run() async throws
}

/// One part under the name that logs and errors call it by.
package struct LifecycleMember: Sendable {
  package let name: String
  let part: any LongRunning
  /// Whether its work may be over before anybody asks it to stop.
  let mayEnd: Bool

  package init(_ name: String, _ part: any LongRunning, mayEnd: Bool = false) {
    self.name = name
    self.part = part
    self.mayEnd = mayEnd
  }

  /// The same for a function.
  package init(
    _ name: String, mayEnd: Bool = false, run: @escaping @Sendable () async throws -> Void
  ) {
    self.init(name, RunningFunction(body: run), mayEnd: mayEnd)
  }
}

private struct RunningFunction: LongRunning {
  let body: @Sendable () async throws -> Void

  func run() async throws { try await body() }
}

/// How long a process may take to end.
package struct LifecycleLimits: Equatable, Sendable {
  /// From the first signal to the end of the process, whatever the parts do.
  package var stopWithin: Duration
  /// From the first signal to the cancellation of all parts that have not stopped by then: what
  /// is left of `stopWithin` is for cleaning up.
  package var cancelAfter: Duration

  package init(stopWithin: Duration = .seconds(5), cancelAfter: Duration = .seconds(4)) {
    self.stopWithin = stopWithin
    self.cancelAfter = min(cancelAfter, stopWithin)
  }
}
