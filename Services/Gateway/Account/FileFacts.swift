import Digest
package import EventLoop
import Faults
package import GatewayCatalog
import GatewayDoor
package import GatewayPipeline
import GatewayValues
import Machine
import Telemetry

/// What the operator's file says, with the secrets that it points to: all that can be wrong with
/// it is found while this is made. Reading blocks.
package struct FileFacts: Sendable {
  /// A key of a product; its secret is forgotten.
  struct Key: Sendable {
    let product: GatewayName
    let name: GatewayName
    let hash: [UInt8]

    var id: String { "\(product)/\(name)" }
  }

  package let catalog: Catalog
  let secrets: ProviderSecrets
  let keys: [Key]

  /// SHA-256 of the file; empty of a catalog that was never one.
  let digest: [UInt8]

  package init(_ catalog: Catalog, digest: [UInt8] = []) throws {
    self.digest = digest
    self.catalog = catalog
    secrets = try ProviderSecrets(reading: catalog)
    var keys: [Key] = []
    for product in catalog.products {
      for key in product.keys {
        guard let owner = GatewayName(product.name), let name = GatewayName(key.name) else {
          continue
        }
        let secret = try ProviderSecrets.read(key, of: product.name)
        let hash = secret.withBytes { (bytes: RawSpan) in CallerDirectory.hash(bytes) }
        keys.append(Key(product: owner, name: name, hash: hash))
      }
    }
    self.keys = keys
  }

  /// The ways to its providers. Loop's thread only.
  package func upstreams(on loop: EventLoop) throws -> Upstreams {
    try Upstreams(catalog, secrets, on: loop)
  }

  package init(reading path: String) throws {
    let bytes = try Self.bytes(of: path)
    try self.init(CatalogReader.read(bytes, path: path), digest: Self.digest(bytes))
  }

  /// Whether the file itself sets this budget.
  func names(budget: GatewayName) -> Bool {
    catalog.products.contains { product in
      product.budgets.contains { "\(product.name)/\($0.period.rawValue)" == budget.text }
    }
  }

  static func digest(of path: String) throws -> [UInt8] { digest(try bytes(of: path)) }

  private static func digest(_ bytes: [UInt8]) -> [UInt8] {
    var digest = SHA256()
    digest.update(bytes)
    return digest.finish()
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    do {
      return try Files.read(path, bytesMax: CatalogLimits.fileBytesMax)
    } catch {
      throw Fault(
        .failedPrecondition, reason: "NO_CATALOG", "The gateway's file cannot be read: \(error).",
        hint: "Point ASSAY_GATEWAY_CATALOG to it.", facts: ["path": path])
    }
  }
}
