import Faults
import MeshContract
import RPC

/// grpc.health.v1.Health over a registry.
struct HealthService: HealthServer {
  let registry: HealthRegistry

  func check(
    _ request: HealthCheckRequest, context: ServerContext
  ) async throws -> HealthCheckResponse {
    guard let status = registry.status(of: request.service) else {
      throw Fault(
        .notFound, reason: "UNKNOWN_SERVICE", "This process has no service '\(request.service)'.")
    }
    return HealthService.response(status)
  }

  func list(
    _ request: HealthListRequest, context: ServerContext
  ) async throws -> HealthListResponse {
    var response = HealthListResponse()
    response.statuses = registry.all.mapValues { HealthService.response($0) }
    return response
  }

  func watch(
    _ request: HealthCheckRequest, responses: ResponseWriter<HealthCheckResponse>,
    context: ServerContext
  ) async throws {
    guard let statuses = registry.watch(request.service) else {
      throw Fault(
        .resourceExhausted, reason: "TOO_MANY_WATCHERS",
        "Too many callers watch this process's health.", facts: ["limit": "health_watchers"])
    }
    for await status in statuses { try await responses.send(HealthService.response(status)) }
  }

  private static func response(_ status: HealthRegistry.Status?) -> HealthCheckResponse {
    var response = HealthCheckResponse()
    response.status =
      switch status {
      case .serving: .serving
      case .notServing: .notServing
      case nil: .serviceUnknown
      }
    return response
  }
}
