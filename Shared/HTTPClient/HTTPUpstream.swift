/// One provider's endpoint, from the operator's configuration only: never from a request.
package struct HTTPUpstream: Hashable, Sendable {
  /// How the endpoint is spoken to.
  package enum Scheme: String, Hashable, Sendable {
    case http, https

    package var defaultPort: UInt16 { self == .http ? 80 : 443 }
  }

  /// Where the connection goes.
  package enum Place: Hashable, Sendable {
    /// The resolver is asked for the host, unless it is an address.
    case network
    /// A Unix socket of this machine; the host is only said in the `Host` header.
    case unixSocket(path: String)
    /// An HTTP proxy of the operator, which is asked for a tunnel to the host; the policy then
    /// looks at the proxy's addresses, because the host is resolved there.
    case proxy(host: HostName, port: UInt16)
  }

  package let scheme: Scheme
  package let host: HostName
  package let port: UInt16
  package var place = Place.network
  package var policy = AddressPolicy()
  /// Certificates to trust instead of the system's; a PEM file.
  package var authoritiesFile: String?
  /// How long an address that was resolved is used before the resolver is asked again.
  package var addressAgeMax = Duration.seconds(60)
  package var timeouts = HTTPTimeouts()

  package init(_ scheme: Scheme, host: HostName, port: UInt16? = nil) {
    self.scheme = scheme
    self.host = host
    self.port = port ?? scheme.defaultPort
  }

  /// From `http[s]://host[:port]`, with at most a `/` behind it.
  ///
  /// User names, paths, queries, other schemes, ports that are no number and every unusual way
  /// to write an address are refused.
  package init(_ url: String) throws(HTTPClientError) {
    var rest = url[...]
    if rest.hasPrefix("https://") {
      scheme = .https
    } else if rest.hasPrefix("http://") {
      scheme = .http
    } else {
      throw .requestRefused("An upstream's URL begins with http:// or https://")
    }
    rest = rest.dropFirst(scheme.rawValue.count + 3)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    let end = rest.hasPrefix("[") ? rest.firstIndex(of: "]").map(rest.index(after:)) : nil
    let colon = rest[(end ?? rest.startIndex)...].firstIndex(of: ":")
    if let end, end != (colon ?? rest.endIndex) {
      throw .requestRefused("An upstream's host ends at its ]")
    }
    host = try HostName(String(rest[..<(colon ?? rest.endIndex)]))
    guard let colon else {
      port = scheme.defaultPort
      return
    }
    let digits = rest[rest.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(digits),
      number > 0
    else { throw .requestRefused("An upstream's port is a number from 1 to 65535") }
    port = number
  }

  /// `scheme://host:port`, for logs and errors.
  package var origin: String { "\(scheme)://\(host):\(port)" }
}
