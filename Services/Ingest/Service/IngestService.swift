// Ingest: turns bytes into parts with an address: documents, rows, pages.
// It never calls another service of the mesh, and never trusts what a document says.

package import ServiceHost

/// What the ingest service is made of.
package enum IngestService {
  package static let blueprint = ServiceBlueprint(
    name: "ingest", purpose: "turn documents and rows into parts with an address."
  ) { _ in
    []
  }
}
