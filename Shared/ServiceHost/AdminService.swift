import Faults
import MeshContract
import RPC
import Telemetry
import WellKnown

/// assay.admin.v1.Admin over what the host knows of its own process.
struct AdminService: AdminServer {
  let facts: HostFacts

  func metrics(_ request: MetricsRequest, context: ServerContext) async throws -> MetricsResponse {
    let snapshots = facts.metrics.snapshot()
    var response = MetricsResponse()
    response.text = snapshots.prometheusText
    for snapshot in snapshots {
      for sample in snapshot.samples {
        guard let value = sample.value.number else { continue }
        var entry = Sample()
        entry.name = snapshot.name
        for label in sample.labels { entry.labels[label.name] = label.value }
        entry.value = value
        response.samples.append(entry)
      }
    }
    return response
  }

  func configuration(
    _ request: ConfigurationRequest, context: ServerContext
  ) async throws -> ConfigurationResponse {
    var response = ConfigurationResponse()
    response.entries = facts.configuration().map { line in
      var entry = ConfigurationEntry()
      entry.key = line.key
      entry.value = line.value
      entry.origin = line.origin
      return entry
    }
    return response
  }

  func drain(_ request: DrainRequest, context: ServerContext) async throws -> DrainResponse {
    var response = DrainResponse()
    response.callsRunning = UInt32(clamping: await facts.callsRunning() - 1)
    facts.beginDrain()
    return response
  }

  func info(_ request: InfoRequest, context: ServerContext) async throws -> InfoResponse {
    let state = facts.state()
    var response = InfoResponse()
    response.service = facts.service
    response.instance = facts.instance
    response.version = facts.version
    response.pid = facts.pid
    var started = Timestamp()
    started.seconds = facts.startedAt.seconds
    started.nanos = facts.startedAt.nanoseconds
    response.startedAt = started
    response.uptime = WireDuration(ContinuousClock.now - facts.startedMonotonic)
    response.threads = ProcessFacts.threadNames().map { name in
      var thread = Thread()
      thread.name = name
      thread.purpose = facts.purpose(ofThread: name)
      return thread
    }
    response.waitingFor = state.waitingFor
    response.isReady = state.isReady
    response.residentBytes = ProcessFacts.residentBytes()
    return response
  }
}

extension MetricSnapshot.Value {
  /// The one number of a counter or gauge; a histogram has none.
  fileprivate var number: Double? {
    switch self {
    case .number(let value): value
    case .histogram: nil
    }
  }
}
