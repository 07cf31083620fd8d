package import EventLoop

/// Who is at the other end of a connection, as the kernel says.
package enum HTTPPeer: Hashable, Sendable, CustomStringConvertible {
  case tcp(host: String, port: UInt16)
  /// Credentials of when the peer connected; nil when the kernel does not know them.
  case unix(PeerCredentials?)

  package var description: String {
    switch self {
    case .tcp(let host, let port): SocketAddress.tcp(host: host, port: port).description
    case .unix(let credentials): credentials.map { "unix:uid \($0.uid)" } ?? "unix"
    }
  }

  init(of descriptor: Int32) {
    if case .tcp(let host, let port)? = SocketAddress(peerOf: descriptor) {
      self = .tcp(host: host, port: port)
    } else {
      self = .unix(PeerCredentials(of: descriptor))
    }
  }

  /// What `connectionsPerPeerMax` counts by.
  var countedHost: String? {
    guard case .tcp(let host, _) = self else { return nil }
    return host
  }
}
