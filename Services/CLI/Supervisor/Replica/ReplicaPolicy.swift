package import Compose

/// When a replica is started again, and how long it is waited for.
package struct ReplicaPolicy: Equatable, Sendable {
  package var restart: RestartPolicy
  /// From SIGTERM to SIGKILL.
  package var stopGrace: Duration
  /// Before the second start in a row; the first comes at once, later ones double it.
  package var backoffFirst: Duration
  package var backoffMax: Duration
  /// Ready for so long, its failures are forgotten.
  package var stablePeriod: Duration
  /// Not ready after so long, it is told to the user as a failure; it is not killed.
  package var readyDeadline: Duration

  package init(
    restart: RestartPolicy = .always, stopGrace: Duration = .seconds(5),
    backoffFirst: Duration = .milliseconds(100), backoffMax: Duration = .seconds(10),
    stablePeriod: Duration = .seconds(10), readyDeadline: Duration = .seconds(30)
  ) {
    self.restart = restart
    self.stopGrace = stopGrace
    self.backoffFirst = backoffFirst
    self.backoffMax = backoffMax
    self.stablePeriod = stablePeriod
    self.readyDeadline = readyDeadline
  }

  /// How long to wait before a start that follows so many failures in a row.
  package func backoff(afterFailures count: Int) -> Duration {
    guard count > 1 else { return .zero }
    var delay = backoffFirst
    // The doubling ends long before the number could grow too big to hold.
    for _ in 2..<min(count, 64) { delay = min(delay * 2, backoffMax) }
    return min(delay, backoffMax)
  }
}
