// Orchestrator: decides what happens next in a run, and remembers it first.
// It holds no results and no money: those are Store's and Gateway's.

package import ServiceHost

/// What the orchestrator service is made of.
package enum OrchestratorService {
  package static let blueprint = ServiceBlueprint(
    name: "orchestrator", purpose: "decide what happens next in a run, and remember it first.",
    calls: ["store", "gateway", "ingest"]
  ) { _ in
    []
  }
}
