// Gateway: makes one paid call within budget, and accounts for it.
// It never calls another service of the mesh, so that it can run alone.
// Limits: `PipelineLimits`, `LedgerLimits`, `DoorLimits`, `CatalogLimits`.

import Configuration
import EventLoop
import Faults
import GatewayAccount
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
    if let path = values[GatewaySettings.catalog] {
      return try await OpenGateway(FileFacts(reading: path), path: path, environment).parts
    }
    guard let address = values[GatewaySettings.simulator] else {
      return ServiceParts([GatewayWithoutProvider().definition])
    }
    let facts = try FileFacts(Catalog(simulator: address))
    return try await OpenGateway(facts, path: nil, environment).parts
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
