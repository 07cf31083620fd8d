package import EventLoop
package import GatewayCatalog
import GatewayProviders
import GatewayValues
import HTTPClient

/// The ways to the catalog's providers: addresses checked, keys read, connections kept.
package final class Upstreams {
  /// The ways as one catalog names them.
  struct Ways {
    fileprivate var endpoints: [String: HTTPEndpoint] = [:]
    fileprivate var upstreams: [String: HTTPUpstream] = [:]
    fileprivate let secrets: ProviderSecrets
  }

  private let client: HTTPClient
  private var ways: Ways

  /// Loop's thread only.
  package init(_ catalog: Catalog, _ secrets: ProviderSecrets, on loop: EventLoop) throws {
    client = try HTTPClient(on: loop)
    ways = Ways(secrets: secrets)
    ways = try ways(of: catalog, secrets)
  }

  /// The ways of another catalog; a provider that is where it was keeps its connections.
  func ways(of catalog: Catalog, _ secrets: ProviderSecrets) throws -> Ways {
    var next = Ways(secrets: secrets)
    for provider in catalog.providers {
      let upstream = try Self.upstream(provider)
      next.upstreams[provider.name] = upstream
      if ways.upstreams[provider.name] == upstream, let kept = ways.endpoints[provider.name] {
        next.endpoints[provider.name] = kept
      } else {
        next.endpoints[provider.name] = try client.endpoint(for: upstream)
      }
    }
    return next
  }

  func take(_ next: Ways) { ways = next }

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

  func endpoint(_ route: ModelRoute) -> HTTPEndpoint? { ways.endpoints[route.provider.name] }

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

  func endpoint(named provider: String) -> HTTPEndpoint? { ways.endpoints[provider] }

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
    let secret = ways.secrets.text(provider, key)
    switch family {
    case .openAI: return [HTTPField("authorization", "Bearer \(secret)")]
    case .anthropic:
      let key = HTTPField("x-api-key", secret)
      return hasVersion ? [key] : [key, HTTPField("anthropic-version", "2023-06-01")]
    }
  }

  package func close() { client.close() }
}

extension HTTPHeaders: ReplyHeaders {
  package func value(of name: StaticString) -> String? { self[name] }
}
