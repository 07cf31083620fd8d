// Gateway: makes one paid call within budget, and accounts for it.
// It never calls another service of the mesh, so that it can run alone.

package import ServiceHost

/// What the gateway service is made of.
package enum GatewayService {
  package static let blueprint = ServiceBlueprint(
    name: "gateway", purpose: "make one paid call within budget, and account for it."
  ) { _ in
    []
  }
}
