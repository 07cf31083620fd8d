import CommandLineTool
import Console
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

/// The tool in this process: words in, exit code and text out, in a directory of its own.
final class ToolFixture: Sendable {
  let loop: EventLoop
  let top: String
  let environment: [String: String]

  private init(loop: EventLoop, top: String, environment: [String: String]) {
    self.loop = loop
    self.top = top
    self.environment = environment
  }

  static func run(
    environment: [String: String] = [:], _ body: (ToolFixture) async throws -> Void
  ) async throws {
    let top = "/tmp/assay-c\(getpid() % 10_000)-\(UInt32.random(in: 0...0xFFFF))"
    try Files.makeDirectory(top)
    let loop = try EventLoop(name: "tool")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
      try? Files.removeTree(top)
    }
    let own = ["PATH": "/usr/bin:/bin", "ASSAY_RUN_DIR": "\(top)/r"]
    try await body(
      ToolFixture(loop: loop, top: top, environment: environment.merging(own) { given, _ in given })
    )
  }

  /// The same directory, seen with what a service's container has in its environment.
  static func inside(_ tool: ToolFixture, listen: String, instance: String) -> ToolFixture {
    let own = ["ASSAY_MESH_LISTEN": listen, "ASSAY_MESH_INSTANCE": instance]
    return ToolFixture(
      loop: tool.loop, top: tool.top, environment: tool.environment.merging(own) { _, new in new })
  }

  /// One command line.
  func assay(_ words: String...) async -> (code: ExitCode, output: String, error: String) {
    await assay(words: words)
  }

  func assay(words: [String]) async -> (code: ExitCode, output: String, error: String) {
    let terminal = Terminal(capturing: words.contains("--json"))
    let place = Surroundings(
      environment: environment, user: getuid(), executableFolder: "/usr/bin",
      workingDirectory: top, isExecutable: Files.isExecutable)
    let code = await CommandLineTool.run(words, in: place, on: loop, terminal: terminal)
    return (code, terminal.text.output, terminal.text.error)
  }

  func write(_ name: String, _ text: String) throws {
    try Files.replace("\(top)/\(name)", with: text)
  }

  /// A server with the standard services at `unix:<top>/<name>.sock`.
  func serve(
    _ name: String, isServing: Bool = true, _ own: [ServiceDefinition] = []
  ) async throws -> Server {
    let health = HealthRegistry(services: own.map(\.descriptor.name))
    if isServing { health.set(.serving) }
    let server = Server(
      loop: loop, services: try StandardServices.definitions(with: own, health: health),
      options: ServerOptions(callers: CallerTable(ownUID: getuid())))
    _ = try await server.listen(on: .unix(path: "\(top)/\(name).sock"))
    return server
  }

  /// A compose file of shell scripts.
  static func compose(_ services: [String: String], restart: String = "always") -> String {
    "name: t\nservices:\n"
      + services.sorted { $0.key < $1.key }.map { name, script in
        "  \(name): {command: [sh, -c, \"\(script)\"], restart: \(restart)}\n"
      }.joined()
  }

  static let patient = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
}
