// MeshAddressing: the one way in which the mesh writes where a service is, for configuration, which
// checks it at start, and for RPC, which connects there. It never resolves a name and never looks
// at a file. Limits: `MeshAddressLimits`.

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

  /// Reads an address; the error says what one looks like.
  package init(_ text: String) throws(MeshAddressError) {
    do throws(Objection) {
      if let path = text.droppingPrefix("unix-dir:") {
        self = .unixDirectory(path: try MeshAddress.checked(path))
      } else if let path = text.droppingPrefix("unix:") {
        self = .unix(path: try MeshAddress.checked(path))
      } else if let rest = text.droppingPrefix("tcp://") {
        let (host, port) = try MeshAddress.hostAndPort(rest)
        self = .tcp(host: host, port: port)
      } else if let rest = text.droppingPrefix("dns:///") {
        let (host, port) = try MeshAddress.hostAndPort(rest)
        self = .dns(host: host, port: port)
      } else {
        throw Objection(words: "not an address like \(MeshAddressError.forms)")
      }
    } catch {
      throw MeshAddressError(text: text, objection: error.words)
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

  private struct Objection: Error {
    let words: String
  }

  private static func checked(_ path: String) throws(Objection) -> String {
    // Two slashes after the colon are an empty authority, as other gRPC libraries write it.
    let path = path.droppingPrefix("//") ?? path
    guard !path.isEmpty else { throw Objection(words: "without a path") }
    guard !path.utf8.contains(0) else { throw Objection(words: "a path with a NUL") }
    let limit = MeshAddressLimits.socketPathBytesMax
    guard path.utf8.count <= limit else {
      throw Objection(words: "longer than the \(limit) bytes of a socket's path")
    }
    return path
  }

  private static func hostAndPort(_ rest: String) throws(Objection) -> (String, UInt16) {
    guard let colon = rest.lastIndex(of: ":") else { throw Objection(words: "without host:port") }
    let digits = rest[rest.index(after: colon)...]
    var host = String(rest[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    // The number's own reader takes a sign.
    guard !host.isEmpty, digits.first?.isNumber == true, let port = UInt16(digits) else {
      throw Objection(words: "without host:port, the port from 0 to 65535")
    }
    return (host, port)
  }
}

/// Bounds on an address.
package enum MeshAddressLimits {
  /// A path that a socket can be bound to: the kernel's field holds 107 bytes and a NUL.
  package static let socketPathBytesMax = 107
}

extension String {
  fileprivate func droppingPrefix(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
