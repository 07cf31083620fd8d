import EventLoop
import Faults
import Machine
import MeshAddressing
import MeshContract
import RPC
import ServiceHost

/// The supervisor's control socket: what `assay ps`, `restart`, `scale` and `down` talk to.
struct ControlService: SupervisorServer {
  let supervisor: Supervisor

  /// Opens the socket for this user alone.
  func serve(_ path: String, on loop: EventLoop) async throws(Fault) -> Server {
    let options = ServerOptions(callers: CallerTable(ownUID: Processes.ownUser))
    do {
      let health = HealthRegistry(services: [SupervisorMethods.descriptor.name])
      health.set(.serving)
      let services = try StandardServices.definitions(with: [definition], health: health)
      let server = Server(loop: loop, services: services, options: options)
      _ = try await server.listen(on: .unix(path: path), mode: 0o600)
      return server
    } catch {
      throw Fault(
        .failedPrecondition, reason: "CONTROL_SOCKET",
        "The control socket cannot be opened: \(error)")
    }
  }

  func status(_ request: StatusRequest, context: ServerContext) async throws -> StatusResponse {
    try await response(for: request)
  }

  func watch(
    _ request: StatusRequest, responses: ResponseWriter<StatusResponse>, context: ServerContext
  ) async throws {
    var last: StatusResponse?
    for await _ in await supervisor.changes() {
      let response = try await response(for: request)
      guard response != last else { continue }
      last = response
      try await responses.send(response)
    }
  }

  private func response(for request: StatusRequest) async throws(Fault) -> StatusResponse {
    let names = supervisor.plan.services.map(\.name)
    for name in request.services where !names.contains(name) {
      throw SupervisorPlan.unknownService(name, among: names)
    }
    let wanted = Set(request.services)
    let replicas = await supervisor.replicas
    return StatusResponse(
      replicas: replicas.filter { wanted.isEmpty || wanted.contains($0.service) })
  }

  func scale(_ request: ScaleRequest, context: ServerContext) async throws -> ScaleResponse {
    let before = try await supervisor.scale(request.service, to: Int(request.replicas))
    return ScaleResponse(before: UInt32(clamping: before))
  }

  func restart(_ request: RestartRequest, context: ServerContext) async throws -> RestartResponse {
    let services =
      request.service.isEmpty ? supervisor.plan.services.map(\.name) : [request.service]
    var restarted: [String] = []
    for service in services {
      restarted +=
        request.rolling
        ? try await supervisor.rollingRestart(service) : try await supervisor.restart(service)
    }
    return RestartResponse(restarted: restarted)
  }

  func stop(_ request: StopRequest, context: ServerContext) async throws -> StopResponse {
    await supervisor.stop()
    return StopResponse()
  }
}
