import Configuration
import Locking
import RPC
import Telemetry

/// What one service process knows of itself, for Admin and for the log.
final class HostFacts: Sendable {
  /// One configuration line as it may be shown.
  struct ConfigurationLine: Sendable {
    let key: String
    let value: String
    let origin: String
  }

  struct State: Sendable {
    var waitingFor: [String] = []
    var isReady = false
  }

  let service: String
  let instance: String
  let version = AssayVersion.text
  let pid: Int32
  let startedAt = WallTime.now()
  let startedMonotonic = ContinuousClock.now
  let metrics: Metrics
  let configuration: @Sendable () -> [ConfigurationLine]
  private let current = Lock(State())
  private let hooks = Lock(Hooks())

  private struct Hooks {
    var server: Server?
    var drain: (@Sendable () -> Void)?
  }

  init(
    service: String, instance: String, pid: Int32, metrics: Metrics,
    configuration: @escaping @Sendable () -> [ConfigurationLine]
  ) {
    self.service = service
    self.instance = instance
    self.pid = pid
    self.metrics = metrics
    self.configuration = configuration
  }

  func state() -> State { current.withLock { $0 } }

  func set(waitingFor names: [String]) { current.withLock { $0.waitingFor = names } }

  func set(ready isReady: Bool) { current.withLock { $0.isReady = isReady } }

  /// Tells whom Admin asks about calls, and how it begins a drain.
  func connect(_ server: Server, drain: @escaping @Sendable () -> Void) {
    hooks.withLock { hooks in
      hooks.server = server
      hooks.drain = drain
    }
  }

  func callsRunning() async -> Int {
    let server = hooks.withLock { $0.server }
    return await server?.activeCalls() ?? 0
  }

  func beginDrain() { hooks.withLock { $0.drain }?() }

  /// Why each thread of a service exists; nothing else may run one.
  func purpose(ofThread name: String) -> String {
    if name == service || name.hasPrefix("assay-") {
      return "the event loop: every socket, timer and handler"
    }
    if name.hasPrefix("\(service)-") { return "blocking work of \(service), off the loop" }
    if name.hasSuffix("default-qos") {
      return "Swift's task pool, opened early so that a full descriptor table cannot end us"
    }
    if name.hasPrefix("blocking") { return "blocking C calls, off the loop" }
    if name.hasPrefix("libuv") || name.hasPrefix("iou-") { return "name lookups of libuv" }
    return "made by a library"
  }
}

/// The version of everything in this package; all executables are built together.
package enum AssayVersion {
  package static let text = "0.1.0"
}
