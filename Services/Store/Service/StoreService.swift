// Store: keeps facts: it commits and it answers, and is the only holder of results.
// It never calls another service, decides nothing and scores nothing. Limits come with its tables.

package import ServiceHost

/// What the store service is made of.
package enum StoreService {
  package static let blueprint = ServiceBlueprint(
    name: "store", purpose: "keep results: commit, and answer."
  ) { _ in
    []
  }
}
