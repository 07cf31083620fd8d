package import Faults
import GRPCFormat
package import RPC
import Telemetry

/// Continues the caller's trace (W3C `traceparent`) in the handler's task.
package struct TraceInterceptor: ServerInterceptor {
  package init() {}

  package func intercept(
    _ context: ServerContext, _ next: () async throws -> Void
  ) async throws {
    guard let parent = context.metadata["traceparent"],
      let trace = TraceContext(
        traceparent: parent, tracestate: context.metadata["tracestate"])
    else { return try await next() }
    try await TraceContext.$current.withValue(trace.child()) { try await next() }
  }
}

/// Sends the trace of the task that calls along with the call.
package struct ClientTraceInterceptor: ClientInterceptor {
  package init() {}

  package func willCall(_ method: MethodDescriptor, _ options: inout CallOptions) {
    guard let trace = TraceContext.current?.child() else { return }
    options.metadata.add("traceparent", trace.traceparent)
    if let state = trace.tracestate { options.metadata.add("tracestate", state) }
  }

  package func didFinish(_ method: MethodDescriptor, _ fault: Fault?, nanoseconds: UInt64) {}
}
