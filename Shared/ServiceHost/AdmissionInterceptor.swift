import Faults
package import RPC
import Synchronization

/// Refuses calls beyond what one process shall run at once, before they cost anything.
///
/// Health, reflection and Admin are always let in: an overloaded process must still say so.
package final class AdmissionInterceptor: ServerInterceptor {
  private let running = Atomic<Int>(0)
  private let callsMax: Int
  private let exempt: Set<String>

  package init(callsMax: Int, exempt: Set<String>) {
    self.callsMax = callsMax
    self.exempt = exempt
  }

  package func intercept(
    _ context: ServerContext, _ next: () async throws -> Void
  ) async throws {
    if exempt.contains(context.method.service) { return try await next() }
    let count = running.add(1, ordering: .relaxed).newValue
    defer { running.subtract(1, ordering: .relaxed) }
    guard count <= callsMax else {
      throw Fault(
        .resourceExhausted, reason: "TOO_MANY_CALLS",
        "This process already runs its limit of \(callsMax) calls.",
        retryAfter: .milliseconds(100), facts: ["limit": "calls_running"])
    }
    try await next()
  }
}
