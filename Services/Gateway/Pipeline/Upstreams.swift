package import EventLoop
import Faults
package import GatewayCatalog
import GatewayProviders
import GatewayValues
import HTTPClient
import Machine
package import Telemetry

/// The ways to the catalog's providers: addresses checked, keys read, connections kept.
package final class Upstreams {
  private let client: HTTPClient
  private var endpoints: [String: HTTPEndpoint] = [:]
  /// By provider and key.
  private var secrets: [String: String] = [:]

  /// Loop's thread only.
  package init(_ catalog: Catalog, on loop: EventLoop) throws {
    client = try HTTPClient(on: loop)
    for provider in catalog.providers {
      endpoints[provider.name] = try client.endpoint(for: try Self.upstream(provider))
      for key in provider.keys {
        secrets["\(provider.name)/\(key.name)"] = try Self.secret(of: key, provider.name)
      }
    }
  }

  private static func upstream(_ provider: ProviderEntry) throws -> HTTPUpstream {
    var upstream: HTTPUpstream
    if provider.address.hasPrefix("unix:") {
      upstream = try HTTPUpstream("http://localhost")
      upstream.place = .unixSocket(path: String(provider.address.dropFirst(5)))
    } else {
      upstream = try HTTPUpstream(provider.address)
    }
    upstream.policy = AddressPolicy(
      allowsLoopback: provider.isInternal, allowsPrivate: provider.isInternal)
    upstream.authoritiesFile = provider.authorityFile
    upstream.timeouts.head = .seconds(120)
    upstream.timeouts.stall = .seconds(60)
    return upstream
  }

  private static func secret(of key: ProviderKey, _ provider: String) throws -> String {
    switch key.source {
    case .text(let text): return text
    case .file(let path):
      do {
        return try Files.readText(path).trimmingLineEnd()
      } catch {
        throw Fault(
          .failedPrecondition, reason: "NO_KEY",
          "The key \(key.name) of \(provider) cannot be read: \(error).",
          hint: "Put it into the file that the gateway's file names.")
      }
    }
  }

  /// The secret of a product's or a provider's key.
  package static func read(_ key: ProviderKey, of owner: String) throws -> Secret {
    Secret(try secret(of: key, owner))
  }

  func endpoint(_ route: ModelRoute) -> HTTPEndpoint? { endpoints[route.provider.name] }

  /// The headers of a call: who asks, and in which version of the dialect.
  func headers(
    _ route: ModelRoute, callKey: String, attempt: UInt32,
    passed: [(name: String, value: String)]
  ) -> [HTTPField] {
    var fields = [HTTPField("content-type", "application/json")]
    fields += credentials(
      route.provider.name, route.key.name, route.dialect.family,
      hasVersion: passed.contains { $0.name == "anthropic-version" })
    for field in passed { fields.append(HTTPField(field.name, field.value)) }
    // Names the call in the provider's own log, where it keeps one.
    fields.append(HTTPField("x-assay-call-key", callKey))
    fields.append(HTTPField("x-assay-attempt", String(attempt)))
    return fields
  }

  func endpoint(named provider: String) -> HTTPEndpoint? { endpoints[provider] }

  /// Who asks about a batch.
  func credentials(
    _ way: BatchWay, _ family: ProviderFamily, passed: [HTTPField]
  ) -> [HTTPField] {
    credentials(
      way.provider.text, way.key.text, family,
      hasVersion: passed.contains { $0.name == "anthropic-version" })
  }

  private func credentials(
    _ provider: String, _ key: String, _ family: ProviderFamily, hasVersion: Bool
  ) -> [HTTPField] {
    let secret = secrets["\(provider)/\(key)"] ?? ""
    switch family {
    case .openAI: return [HTTPField("authorization", "Bearer \(secret)")]
    case .anthropic:
      let key = HTTPField("x-api-key", secret)
      return hasVersion ? [key] : [key, HTTPField("anthropic-version", "2023-06-01")]
    }
  }

  package func close() { client.close() }
}

extension String {
  func trimmingLineEnd() -> String {
    var text = self[...]
    while let last = text.last, last.isNewline || last == " " { text.removeLast() }
    return String(text)
  }
}

extension HTTPHeaders: ReplyHeaders {
  package func value(of name: StaticString) -> String? { self[name] }
}
