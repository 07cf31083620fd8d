import Configuration
import EventLoop
import Glibc
import Lifecycle
import MeshAddressing
import MeshContract
import RPC
import Telemetry
import Testing

@testable import ServiceHost

/// One hosted service in this process, on a loop and in a folder of its own.
struct HostFixture: Sendable {
  let loop: EventLoop
  let directory: String
  let channel: Channel

  /// Serves `blueprint` while `body` runs; stops it through Admin, as an operator would.
  static func with(
    calls: [String] = [], environment: [String: String] = [:],
    _ body: (HostFixture) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "host-test")
    try loop.start()
    let directory = "/tmp/assay-h\(getpid())-\(UInt16.random(in: .min ... .max))"
    try #require(unsafe mkdir(directory, 0o700) == 0)
    defer {
      loop.stop()
      loop.join()
      for name in DirectoryWatch.entries(of: directory) {
        _ = unsafe unlink("\(directory)/\(name)")
      }
      _ = unsafe rmdir(directory)
    }
    let blueprint = ServiceBlueprint(name: "store", purpose: "test.", calls: calls) { _ in [] }
    var variables = ["ASSAY_MESH_LISTEN": "unix-dir:\(directory)", "ASSAY_MESH_INSTANCE": "one"]
    for (name, value) in environment {
      variables[name] = value.replacing("{directory}", with: directory)
    }
    let service = HostedService(
      blueprint: blueprint,
      configuration: try ConfigurationStore(
        schema: HostSettings.schema(of: blueprint),
        sources: ConfigurationSources(environment: variables)),
      instance: "one", logger: .silent, loop: loop, notifier: .none)
    let running = Task(executorPreference: loop) { await service.run() }
    let channel = Channel(to: .unix(path: "\(directory)/one.sock"), on: loop)
    let fixture = HostFixture(loop: loop, directory: directory, channel: channel)
    do {
      try await body(fixture)
    } catch {
      running.cancel()
      throw error
    }
    _ = try await AdminClient(channel).drain(DrainRequest())
    #expect(await running.value == 0)
    #expect(DirectoryWatch.entries(of: directory, suffix: "one.sock").isEmpty)
  }
}
