package import Faults
package import RPC
package import Telemetry

/// Counts and times every call that a server answers, by method and status code.
package struct MetricsInterceptor: ServerInterceptor {
  private struct Series: Sendable {
    let succeeded: Counter
    let duration: Histogram
  }

  private let handled: Labelled<Counter>
  private let running: Gauge
  private let byPath: [String: Series]

  /// Resolves each method's series once, so that a call only adds to them.
  package init(_ metrics: Metrics, methods: [MethodDescriptor]) {
    handled = metrics.counter(
      "assay_rpc_server_handled_total", help: "Calls answered, by method and status code.",
      labels: [.method, .code])
    let durations = metrics.histogram(
      "assay_rpc_server_duration_seconds", help: "From the first header to the status.",
      scale: .seconds, labels: [.method])
    running = metrics.gauge("assay_rpc_server_running", help: "Calls that run now.")()
    var byPath: [String: Series] = [:]
    for method in methods {
      byPath[method.path] = Series(
        succeeded: handled(method.path, "OK"), duration: durations(method.path))
    }
    self.byPath = byPath
  }

  package func intercept(
    _ context: ServerContext, _ next: () async throws -> Void
  ) async throws {
    let series = byPath[context.method.path]
    let start = ContinuousClock.now
    running.add(1)
    defer {
      running.add(-1)
      series?.duration.record(ContinuousClock.now - start)
    }
    do {
      try await next()
      series?.succeeded.add()
    } catch {
      handled(context.method.path, Fault(describing: error).code.name).add()
      throw error
    }
  }
}

/// The same for the calls that this process makes.
package struct ClientMetricsInterceptor: ClientInterceptor {
  private let finished: Labelled<Counter>
  private let durations: Labelled<Histogram>

  package init(_ metrics: Metrics) {
    finished = metrics.counter(
      "assay_rpc_client_finished_total", help: "Calls made, by method and status code.",
      labels: [.method, .code])
    durations = metrics.histogram(
      "assay_rpc_client_duration_seconds", help: "From the call to its status, retries included.",
      scale: .seconds, labels: [.method])
  }

  package func willCall(_ method: MethodDescriptor, _ options: inout CallOptions) {}

  package func didFinish(_ method: MethodDescriptor, _ fault: Fault?, nanoseconds: UInt64) {
    finished(method.path, fault?.code.name ?? "OK").add()
    durations(method.path).record(nanoseconds)
  }
}
