// Edge: speaks HTTP to the world and gRPC to the mesh. Nobody calls it.
// It keeps no state: whatever it says, another replica would say the same.

package import ServiceHost

/// What the edge service is made of.
package enum EdgeService {
  package static let blueprint = ServiceBlueprint(
    name: "edge", purpose: "speak HTTP to the world.",
    calls: ["orchestrator", "store", "gateway", "ingest"]
  ) { _ in
    []
  }
}
