// Orchestrator: decides what happens next in a run, and remembers it first.
// It holds no results and no money: those are Store's and Gateway's. What it knows of a run it can
// forget at any moment: another replica goes on from what Store holds.
// Limits: `OrchestratorService.runsMax`, and those of the engine.

package import Configuration
import Faults
import GatewayContract
import Lifecycle
import OrchestratorContract
import RPC
package import ServiceHost
import StoreContract

/// What the orchestrator service is made of.
package enum OrchestratorService {
  package static let width = Setting.int(
    "orchestrator.width", default: 16, in: 1...1024,
    help: "Model calls of one run at once, when the run does not say.")
  package static let runsMax = Setting.int(
    "orchestrator.runs", default: 64, in: 1...10_000,
    help: "Runs that this replica works on at once; others wait or go to its neighbours.")
  package static let callTimeout = Setting.duration(
    "orchestrator.call-timeout", default: .seconds(300), in: .seconds(1)...Duration.seconds(3600),
    help: "How long one model call may take before it is asked for again.")

  package static let blueprint = ServiceBlueprint(
    name: "orchestrator", purpose: "decide what happens next in a run, and remember it first.",
    calls: ["store", "gateway", "ingest"], settings: [width, runsMax, callTimeout]
  ) { environment in
    let values = environment.configuration.current
    let store = StoreClient(try channel("store", environment))
    let services = RunServices(
      loop: environment.loop, store: store,
      gateway: GatewayClient(try channel("gateway", environment)), logger: environment.logger,
      metrics: RunMetrics(environment.metrics), widthDefault: values[width],
      callTimeout: values[callTimeout])
    let owner = RunOwner(services, holder: environment.instance, runsMax: values[runsMax])
    let feeds = RunFeeds(store: store, on: environment.loop)
    let handlers = OrchestratorHandlers(store: store, feeds: feeds)
    return ServiceParts(
      [handlers.definition],
      beside: [
        LifecycleMember("runs") {
          let attending = Task(executorPreference: environment.loop) { await owner.run() }
          await ShutdownSignal.current?.wait()
          await owner.stop()
          attending.cancel()
          await attending.value
        },
        LifecycleMember("watchers") {
          await ShutdownSignal.current?.wait()
          feeds.end()
        },
      ])
  }

  private static func channel(
    _ name: String, _ environment: ServiceEnvironment
  ) throws(Fault) -> Channel {
    guard let channel = environment.channels[name] else {
      throw Fault(.internal, reason: "NO_CHANNEL", "There is no channel to \(name).")
    }
    return channel
  }
}
