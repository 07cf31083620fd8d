// RunCommands: verbs about runs. They ask the orchestrator, and the store for exports, like any
// other client; what is shown is decided by RunDisplay. Limits: those of the contracts.

import Console
import EventLoop
import Faults
import GRPCFormat
import MeshAddressing
import OrchestratorContract
import RPC
import StoreContract
import ToolContext

/// How verbs about runs reach the mesh: the orchestrator, as one product.
struct RunService: Sendable {
  let orchestrator: OrchestratorClient
  private let metadata: Metadata

  /// A run that is named on the command line.
  static let oneRun = Operands("RUN", count: 1...1)

  static let flags =
    Flag.mesh + [
      Flag("address", value: "ADDRESS", "the orchestrator, when not the running mesh's"),
      Flag("product", value: "NAME", "whose runs; `default` unless given"),
    ]

  private static let timeout = Duration.seconds(10)

  static func find(_ context: CommandContext) async throws -> RunService {
    let metadata = try Self.metadata(context)
    let channel = try await channel(to: "orchestrator", context)
    return RunService(orchestrator: OrchestratorClient(channel), metadata: metadata)
  }

  /// The store, for what it alone has: exports and backups.
  static func store(_ context: CommandContext) async throws -> (StoreClient, CallOptions) {
    let channel = try await channel(to: "store", context)
    var options = CallOptions()
    options.metadata = try metadata(context)
    return (StoreClient(channel), options)
  }

  private static func metadata(_ context: CommandContext) throws -> Metadata {
    var metadata = Metadata()
    if let product = context.invocation.value("product") {
      guard metadata.add("assay-product", product) else {
        throw UsageError(
          "\(product) is no name of a product", hint: "lower-case letters, digits and dashes",
          verb: context.invocation.verb)
      }
    }
    return metadata
  }

  private static func channel(
    to service: String, _ context: CommandContext
  ) async throws -> Channel {
    let text = context.invocation.value("address") ?? service
    if MeshTarget.isAddress(text) {
      return Channel(to: try MeshAddress(text), on: context.loop)
    }
    let targets = try await MeshTarget.resolve(text, context)
    // Any replica knows every run. Of several, the directory they share finds one that lives.
    if case .unix(let path)? = targets.first?.address, targets.count > 1,
      let slash = path.lastIndex(of: "/")
    {
      return Channel(to: .unixDirectory(path: String(path[..<slash])), on: context.loop)
    }
    return Channel(to: targets[0].address, on: context.loop)
  }

  /// Of a call that is answered at once.
  var options: CallOptions {
    var options = CallOptions(timeout: Self.timeout)
    options.metadata = metadata
    return options
  }

  /// Of a stream that goes on.
  var streamOptions: CallOptions {
    var options = CallOptions()
    options.metadata = metadata
    return options
  }
}
