// Gateway: makes one paid call within budget, and accounts for it.
// It never calls another service of the mesh, so that it can run alone.
// Limits: `PipelineLimits`, `LedgerLimits`, `DoorLimits`, `CatalogLimits`.

import Configuration
import EventLoop
import Faults
import GatewayCatalog
import GatewayContract
import GatewayDoor
import GatewayLedger
import GatewayPipeline
import GatewayProviders
import GatewayStandIn
import GatewayValues
import HTTPServer
import LedgerFile
import Lifecycle
import Machine
import RPC
package import ServiceHost
import Telemetry

/// What the gateway service is made of.
package enum GatewayService {
  package static let blueprint = ServiceBlueprint(
    name: "gateway", purpose: "make one paid call within budget, and account for it.",
    settings: GatewaySettings.all
  ) { environment in
    let values = environment.configuration.current
    if let path = values[GatewaySettings.standIn] {
      var script = StandInScript()
      script.latency = values[GatewaySettings.standInLatency]
      environment.logger.warning("a stand-in answers every call: no provider is asked")
      return ServiceParts([
        try StandInGateway(script: script, logPath: path, loop: environment.loop).definition
      ])
    }
    guard let catalog = try catalog(values) else {
      return ServiceParts([GatewayWithoutProvider().definition])
    }
    return try await OpenGateway(catalog, environment).parts
  }

  /// The operator's file, or a simulator in place of every provider; nil without either.
  private static func catalog(_ values: ConfigurationValues) throws -> Catalog? {
    if let path = values[GatewaySettings.catalog] {
      let bytes: [UInt8]
      do {
        bytes = try Files.read(path)
      } catch {
        throw Fault(
          .failedPrecondition, reason: "NO_CATALOG", "The gateway's file cannot be read: \(error).",
          hint: "Point \(GatewaySettings.catalog.definition.variable) to it.")
      }
      return try CatalogReader.read(bytes, path: path)
    }
    return values[GatewaySettings.simulator].map { Catalog(simulator: $0) }
  }
}

/// A gateway that was told of no provider says so, and what to do.
private struct GatewayWithoutProvider: GeneratesOnly {
  func generate(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> GenerateResponse {
    throw Fault(
      .failedPrecondition, reason: "NO_PROVIDER", "This gateway was told of no provider.",
      hint: "Set \(GatewaySettings.catalog.definition.variable) to a file that names them, or "
        + "\(GatewaySettings.simulator.definition.variable) to a simulator's address.")
  }

  func getCall(_ request: GetCallRequest, context: ServerContext) async throws -> GetCallResponse {
    GetCallResponse(state: .unknownCall)
  }
}
