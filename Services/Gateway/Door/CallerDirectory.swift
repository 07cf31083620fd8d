import Digest
package import GatewayCatalog
package import GatewayPipeline
import GatewayValues
package import HTTPServer
import Telemetry

/// Who may ask, by the SHA-256 of their keys: what is looked up tells nothing of what is near.
package struct CallerDirectory: Sendable {
  private var callers: [[UInt8]: Caller] = [:]

  package init() {}

  /// Reads the keys of a catalog's products.
  package init(_ catalog: Catalog) throws {
    for product in catalog.products {
      for key in product.keys {
        guard let productName = GatewayName(product.name), let keyName = GatewayName(key.name)
        else { continue }
        let secret = try Upstreams.read(key, of: product.name)
        let hash = secret.withBytes { (bytes: RawSpan) -> [UInt8] in Self.hash(bytes) }
        callers[hash] = Caller(product: productName, key: keyName)
      }
    }
  }

  package var isEmpty: Bool { callers.isEmpty }

  private static func hash(_ bytes: RawSpan) -> [UInt8] {
    var digest = SHA256()
    digest.update(bytes)
    return digest.finish()
  }

  /// Whoever sends the key of a product, in the way of either family.
  package func caller(of head: HTTPRequestHead) -> Caller? {
    if let key = head.headers.bytes("x-api-key") { return caller(key) }
    guard let value = head.headers.bytes("authorization") else { return nil }
    let scheme = "bearer ".utf8
    guard value.count > scheme.count,
      zip(value, scheme).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 })
    else { return nil }
    return caller(value.dropFirst(scheme.count))
  }

  private func caller(_ secret: ArraySlice<UInt8>) -> Caller? {
    var digest = SHA256()
    digest.update(secret)
    return callers[digest.finish()]
  }
}
