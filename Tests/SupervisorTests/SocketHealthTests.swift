import Compose
import EventLoop
import Faults
import Glibc
import Machine
import MeshAddressing
import MeshContract
import RPC
import ServiceHost
import Supervisor
import Testing

/// Replicas whose sockets this test serves in their place.
@Suite struct SocketHealthTests {
  /// A replica that says it listens in a directory, and leaves the listening to the test.
  private func service() -> ComposeService {
    var service = ComposeService.patient("a")
    service.environment = [("ASSAY_MESH_LISTEN", "unix-dir:/run/a")]
    service.mounts = [ComposeMount(source: .volume("sockets"), target: "/run/a")]
    return service
  }

  private let volumes = [ComposeVolume(name: "sockets", isTemporary: true)]

  private func serve(
    _ mesh: MeshFixture, _ health: HealthRegistry, waitingFor names: [String] = []
  ) async throws -> Server {
    let services = try StandardServices.definitions(
      with: [WaitingAdmin(names: names).definition], health: health)
    let server = Server(
      loop: mesh.loop, services: services,
      options: ServerOptions(callers: CallerTable(ownUID: getuid())))
    let folder = "\(mesh.runPath)/v/sockets"
    _ = try await server.listen(on: .unixDirectory(path: folder), instance: "a-1")
    return server
  }

  @Test(.timeLimit(.minutes(1)))
  func `a replica is ready when its own socket says so`() async throws {
    try await MeshFixture.run([service()], volumes: volumes) { mesh in
      try await mesh.until("started") { $0[0].pid > 0 }
      #expect(await mesh.replica("a-1")?.state == .starting)
      let health = HealthRegistry(services: [])
      let server = try await serve(mesh, health, waitingFor: ["store", "gateway"])
      let waiting = try await mesh.until("waiting") { $0[0].state == .waiting }[0]
      #expect(waiting.waitingFor == ["store", "gateway"])
      health.set(.serving)
      try await mesh.until("ready") { $0[0].state == .ready }
      health.set(.notServing)
      let unwell = try await mesh.until("unhealthy") { $0[0].state == .unhealthy }[0]
      #expect(unwell.lastError == "it waits for store, gateway")
      health.set(.serving)
      try await mesh.until("ready again") { $0[0].state == .ready }
      health.close()
      await server.drain()
      let silent = try await mesh.until("silent") { $0[0].state == .unhealthy }[0]
      #expect(silent.lastError == "it does not answer")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a socket that nobody listens on any more does not count`() async throws {
    try await MeshFixture.run([service()], volumes: volumes) { mesh in
      try await mesh.until("started") { $0[0].pid > 0 }
      let health = HealthRegistry(services: [])
      health.set(.serving)
      let server = try await serve(mesh, health)
      let first = try await mesh.until("ready") { $0[0].state == .ready }[0]
      #expect(kill(first.pid, SIGKILL) == 0)
      // The supervisor has removed the socket of the dead process.
      health.close()
      await server.drain()
      try await mesh.until("started again") { $0[0].state == .starting && $0[0].pid != first.pid }
      let newHealth = HealthRegistry(services: [])
      newHealth.set(.serving)
      let newServer = try await serve(mesh, newHealth)
      try await mesh.until("ready again") { $0[0].state == .ready }
      newHealth.close()
      await newServer.drain()
    }
  }
}

/// Says for whom it waits.
private struct WaitingAdmin: AdminServer {
  let names: [String]

  func info(_ request: InfoRequest, context: ServerContext) async throws -> InfoResponse {
    InfoResponse(waitingFor: names)
  }

  func metrics(_ request: MetricsRequest, context: ServerContext) async throws -> MetricsResponse {
    MetricsResponse()
  }

  func configuration(
    _ request: ConfigurationRequest, context: ServerContext
  ) async throws -> ConfigurationResponse {
    ConfigurationResponse()
  }

  func drain(_ request: DrainRequest, context: ServerContext) async throws -> DrainResponse {
    DrainResponse()
  }
}
