package import Faults

/// Where a service is, as configuration writes it.
package enum MeshAddress: Hashable, Sendable, CustomStringConvertible {
  /// `unix:/run/assay/store.sock`
  case unix(path: String)
  /// `unix-dir:/run/assay/gateway`: every `*.sock` in the directory is a replica.
  case unixDirectory(path: String)
  /// `tcp://127.0.0.1:7000`
  case tcp(host: String, port: UInt16)
  /// `dns:///gateway:7000`: every address of the name is a replica.
  case dns(host: String, port: UInt16)

  package init(_ text: String) throws(Fault) {
    if let path = text.droppingPrefix("unix-dir:") {
      self = .unixDirectory(path: try MeshAddress.checked(path, in: text))
    } else if let path = text.droppingPrefix("unix:") {
      self = .unix(path: try MeshAddress.checked(path, in: text))
    } else if let rest = text.droppingPrefix("tcp://") {
      let (host, port) = try MeshAddress.hostAndPort(rest, in: text)
      self = .tcp(host: host, port: port)
    } else if let rest = text.droppingPrefix("dns:///") {
      let (host, port) = try MeshAddress.hostAndPort(rest, in: text)
      self = .dns(host: host, port: port)
    } else {
      throw MeshAddress.malformed(
        text, "it must begin with unix:, unix-dir:, tcp:// or dns:///")
    }
  }

  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .unixDirectory(let path): "unix-dir:\(path)"
    case .tcp(let host, let port): "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    case .dns(let host, let port): "dns:///\(host):\(port)"
    }
  }

  private static func checked(_ path: String, in text: String) throws(Fault) -> String {
    // Two slashes after the colon are an empty authority, as other gRPC libraries write it.
    let path = path.droppingPrefix("//") ?? path
    guard !path.isEmpty else { throw malformed(text, "the path is empty") }
    guard !path.utf8.contains(0) else { throw malformed(text, "the path holds a NUL") }
    return path
  }

  private static func hostAndPort(
    _ rest: String, in text: String
  ) throws(Fault) -> (String, UInt16) {
    guard let colon = rest.lastIndex(of: ":"),
      let port = UInt16(rest[rest.index(after: colon)...])
    else { throw malformed(text, "it needs host:port with a port from 0 to 65535") }
    var host = String(rest[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw malformed(text, "the host is empty") }
    return (host, port)
  }

  private static func malformed(_ text: String, _ why: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_ADDRESS", "'\(text)' is not an address: \(why).",
      hint: "Write unix:/path, unix-dir:/directory, tcp://host:port or dns:///name:port.")
  }
}

extension String {
  fileprivate func droppingPrefix(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
