import Faults
package import GatewayCatalog
import GatewayLimits

extension CallPipeline {
  /// Makes everything ready that another catalog needs, and throws without having changed
  /// anything where it cannot be used.
  package func stage(_ catalog: Catalog, _ secrets: ProviderSecrets? = nil) throws {
    let configuration = DeskConfiguration(catalog)
    if let flaw = configuration.flaw {
      throw Fault(.failedPrecondition, reason: "BAD_CATALOG", "The limits are wrong: \(flaw).")
    }
    let ways = try secrets.map { try upstreams.ways(of: catalog, $0) }
    staged = StagedCatalog(catalog: catalog, desk: configuration, ways: ways)
  }

  /// From here on calls are made by what was staged last; those under way end as they began.
  package func takeStaged() {
    guard let next = staged else { return }
    staged = nil
    // It has no flaw, as was seen when it was staged.
    guard (try? desk.reload(next.desk, at: now)) != nil else { return }
    if let ways = next.ways { upstreams.take(ways) }
    catalog = next.catalog
    pump()
  }

  package func dropStaged() { staged = nil }
}

/// Another catalog, with all that it needs.
struct StagedCatalog {
  let catalog: Catalog
  let desk: DeskConfiguration
  /// nil: the providers are as they were.
  let ways: Upstreams.Ways?
}
