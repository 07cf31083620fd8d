package import GatewayCatalog
import GatewayLedger
package import GatewayProviders
package import GatewayValues
package import HTTPClient

/// What batches need of the pipeline: its rules and its ways to the providers. A batch has limits
/// of its own at every provider, so the desk has no say in it.
extension CallPipeline {
  /// By what rules requests are read now.
  package var batchRules: (catalog: Catalog, prices: PriceTable, nowMilliseconds: Int64) {
    (catalog, ledger.prices, wallMilliseconds)
  }

  /// Refuses a product that the file does not know.
  package func checkIsKnown(_ caller: Caller) throws { try checkProduct(of: caller) }

  /// One request about a batch, to its provider. nil where the catalog has no such way any more.
  package func exchange(
    _ way: BatchWay, _ family: ProviderFamily, _ request: HTTPClientRequest
  ) async throws(HTTPClientError) -> HTTPClientResponse? {
    guard let endpoint = upstreams.endpoint(named: way.provider.text) else { return nil }
    var request = request
    request.headers += upstreams.credentials(way, family, passed: request.headers)
    return try await endpoint.send(request)
  }
}
