import EventLoop
import Faults
import Glibc
import MeshAddressing
import MeshContract
import RPC
import Testing

@testable import ServiceHost

/// A hosted service over its real socket, with nothing but what every service has.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HostedServiceTests {
  @Test func `a service that waits for nobody serves at once`() async throws {
    try await HostFixture.with { host in
      let health = HealthClient(host.channel)
      for try await status in health.watch(HealthCheckRequest()) where status.status == .serving {
        break
      }
      let all = try await health.list(HealthListRequest()).statuses
      #expect(
        Set(all.keys) == [
          "", "grpc.health.v1.Health", "assay.admin.v1.Admin",
          "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
        ])
      #expect(all.values.allSatisfy { $0.status == .serving })
    }
  }

  @Test func `an unknown service is NOT_FOUND to Check`() async throws {
    try await HostFixture.with { host in
      var request = HealthCheckRequest()
      request.service = "no.Such"
      let fault = await #expect(throws: Fault.self) {
        _ = try await HealthClient(host.channel).check(request)
      }
      #expect(fault?.code == .notFound)
    }
  }

  @Test func `Admin tells who this is, its metrics and its settings with their origin`()
    async throws
  {
    try await HostFixture.with { host in
      let admin = AdminClient(host.channel)
      let info = try await admin.info(InfoRequest())
      #expect(info.service == "store")
      #expect(info.instance == "one")
      #expect(info.pid == getpid())
      #expect(info.residentBytes > 1 << 20)
      let metrics = try await admin.metrics(MetricsRequest())
      #expect(metrics.text.contains("# TYPE assay_rpc_server_handled_total counter"))
      #expect(
        metrics.samples.contains {
          $0.name == "assay_rpc_server_handled_total"
            && $0.labels == ["method": "/assay.admin.v1.Admin/Info", "code": "OK"] && $0.value == 1
        })
      let entries = try await admin.configuration(ConfigurationRequest()).entries
      let listen = try #require(entries.first { $0.key == "mesh.listen" })
      #expect(listen.value == "unix-dir:\(host.directory)")
      #expect(listen.origin == "ASSAY_MESH_LISTEN")
    }
  }

  @Test func `a service says for whom it waits, and serves when they do`() async throws {
    let peer = ["ASSAY_MESH_GATEWAY": "unix:{directory}/peer.sock"]
    try await HostFixture.with(calls: ["gateway"], environment: peer) { host in
      let admin = AdminClient(host.channel)
      var info = try await admin.info(InfoRequest())
      #expect(info.waitingFor == ["gateway"])
      #expect(!info.isReady)
      let registry = HealthRegistry(services: [])
      let server = Server(
        loop: host.loop, services: [HealthService(registry: registry).definition],
        options: ServerOptions(callers: CallerTable(ownUID: getuid())))
      _ = try await server.listen(on: .unix(path: "\(host.directory)/peer.sock"))
      info = try await admin.info(InfoRequest())
      #expect(!info.isReady, "a peer that does not serve yet is not enough")
      registry.set(.serving)
      for try await status in HealthClient(host.channel).watch(HealthCheckRequest())
      where status.status == .serving {
        break
      }
      info = try await admin.info(InfoRequest())
      #expect(info.waitingFor.isEmpty)
      #expect(info.isReady)
      registry.close()
      await server.drain()
    }
  }

  @Test func `reflection serves every file that a client needs to call a method`() async throws {
    try await HostFixture.with { host in
      let call = ReflectionV1ServerReflectionClient(host.channel).serverReflectionInfo()
      var request = ReflectionV1ServerReflectionRequest()
      request.messageRequest = .fileContainingSymbol("assay.admin.v1.Admin.Info")
      try await call.send(request)
      let response = try #require(try await call.responses.next())
      guard case .fileDescriptorResponse(let files)? = response.messageResponse else {
        Issue.record("no files: \(response)")
        return
      }
      // admin.proto with Timestamp and Duration; what only our generator reads is left out.
      #expect(files.fileDescriptorProto.count == 3)
      request.messageRequest = .fileContainingSymbol("no.Such")
      try await call.send(request)
      guard case .errorResponse(let error)? = try await call.responses.next()?.messageResponse
      else {
        Issue.record("an unknown symbol was found")
        return
      }
      #expect(error.errorCode == Fault.Code.notFound.rawValue)
      call.finishSending()
      #expect(try await call.responses.next() == nil)
    }
  }
}
