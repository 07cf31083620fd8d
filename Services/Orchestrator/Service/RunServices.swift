import EventLoop
import GRPCFormat
import GatewayContract
import StoreContract
import Synchronization
import Telemetry

/// What every run of this process works with.
struct RunServices: Sendable {
  let loop: EventLoop
  let store: StoreClient
  let gateway: GatewayClient
  let logger: Logger
  let metrics: RunMetrics
  /// Model calls of one run at once, when the run does not say.
  let widthDefault: Int
  /// How long this process may believe that it owns what it owns.
  let lease = LeaseClock()
  /// A model may think for long; the engine asks again under the same key when it took longer.
  let callTimeout: Duration
}

/// Until when the leases of this process live, as far as it can know. A process that was stopped
/// and goes on asks here before it pays for anything.
final class LeaseClock: Sendable {
  private let end = Atomic<UInt64>(0)

  func live(until time: UInt64) { end.store(time, ordering: .relaxed) }
  func hasEnded(at time: UInt64) -> Bool { time > end.load(ordering: .relaxed) }
}

/// A run that this process owns or may own.
struct OwnedRun: Hashable, Sendable {
  let product: String
  let id: String

  var metadata: Metadata {
    var metadata = Metadata()
    _ = metadata.add(ProductName.key, product)
    return metadata
  }
}

/// Whose runs: metadata that is believed from those who may call.
enum ProductName {
  static let key = "assay-product"
  /// Of callers that name none.
  static let standard = "default"
}

/// What an orchestrator counts.
struct RunMetrics: Sendable {
  private let owned: Gauge
  private let callsRunning: Gauge
  private let calls: Counter
  private let facts: Counter

  init(_ metrics: Metrics) {
    owned = metrics.gauge("assay_runs_owned", help: "Runs that this process works on.")()
    callsRunning = metrics.gauge(
      "assay_model_calls_running", help: "Model calls that wait for an answer.")()
    calls = metrics.counter("assay_model_calls_total", help: "Model calls asked for.")()
    facts = metrics.counter("assay_facts_committed_total", help: "Facts that the store holds.")()
  }

  func owns(_ count: Int) { owned.set(Int64(count)) }
  func committed(_ count: Int) { facts.add(UInt64(count)) }

  func callBegan() {
    calls.add()
    callsRunning.add(1)
  }

  func callEnded() { callsRunning.add(-1) }
}
