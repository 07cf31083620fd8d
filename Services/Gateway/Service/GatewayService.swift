// Gateway: makes one paid call within budget, and accounts for it.
// It never calls another service of the mesh, so that it can run alone.
// Limits: those of the stand-in, until providers come.

package import Configuration
import Faults
import GatewayContract
import GatewayStandIn
import RPC
package import ServiceHost
import Telemetry

/// What the gateway service is made of.
package enum GatewayService {
  /// Where the stand-in keeps its log of payments; nobody answers calls when it is absent.
  package static let standIn = Setting.string(
    "gateway.stand-in",
    help: "Answer calls without a provider, and log what they would have cost in this file."
  ).optional
  package static let standInLatency = Setting.duration(
    "gateway.stand-in-latency", default: .zero, in: .zero...Duration.seconds(60),
    help: "How long the stand-in takes to answer.")

  package static let blueprint = ServiceBlueprint(
    name: "gateway", purpose: "make one paid call within budget, and account for it.",
    settings: [standIn, standInLatency]
  ) { environment in
    let values = environment.configuration.current
    guard let path = values[standIn] else { return [GatewayWithoutProvider().definition] }
    var script = StandInScript()
    script.latency = values[standInLatency]
    environment.logger.warning("a stand-in answers every call: no provider is asked")
    return [
      try StandInGateway(script: script, logPath: path, loop: environment.loop).definition
    ]
  }
}

/// A gateway that was told of no provider says so, and what to do.
private struct GatewayWithoutProvider: GeneratesOnly {
  func generate(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> GenerateResponse {
    throw Fault(
      .failedPrecondition, reason: "NO_PROVIDER", "This gateway was told of no provider.",
      hint: "Set \(GatewayService.standIn.definition.variable) to a file to have a stand-in.")
  }

  func getCall(_ request: GetCallRequest, context: ServerContext) async throws -> GetCallResponse {
    GetCallResponse(state: .unknownCall)
  }
}
