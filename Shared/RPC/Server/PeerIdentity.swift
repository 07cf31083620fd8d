package import EventLoop

/// Who is at the other end of a connection: the kernel's word, and the service names it stands for.
package struct PeerIdentity: Hashable, Sendable {
  /// SO_PEERCRED of a Unix socket; nil over TCP.
  package let credentials: PeerCredentials?
  /// The services this peer may speak as; empty for a stranger.
  package let names: Set<String>
  /// For logs: `uid 20003 (gateway)`.
  package let label: String

  package init(credentials: PeerCredentials?, names: Set<String>) {
    self.credentials = credentials
    self.names = names
    let who = names.isEmpty ? "unknown" : names.sorted().joined(separator: ",")
    self.label = credentials.map { "uid \($0.uid) (\(who))" } ?? who
  }

  /// The name that may do whatever a service's own account may do.
  package static let operatorName = "operator"

  /// Whether the method's caller table (from its proto) lets this peer call it.
  func mayCall(_ method: MethodDescriptor) -> Bool {
    if names.isEmpty { return false }
    if names.contains(PeerIdentity.operatorName) { return true }
    return method.callers.contains { $0 == "*" || names.contains($0) }
  }
}

/// Which uid is which service: how a server turns credentials into names, denying by default.
package struct CallerTable: Sendable {
  private var namesByUID: [UInt32: Set<String>]
  /// Names for peers that the kernel cannot vouch for (TCP before TLS); none unless told so.
  private let namesOfStrangers: Set<String>

  /// `ownUID` is the account that the server runs under: its operator.
  package init(
    uids: [String: UInt32] = [:], ownUID: UInt32, namesOfStrangers: Set<String> = []
  ) {
    var table: [UInt32: Set<String>] = [ownUID: [PeerIdentity.operatorName]]
    for (name, uid) in uids { table[uid, default: []].insert(name) }
    self.namesByUID = table
    self.namesOfStrangers = namesOfStrangers
  }

  package func identity(of credentials: PeerCredentials?) -> PeerIdentity {
    guard let credentials else {
      return PeerIdentity(credentials: nil, names: namesOfStrangers)
    }
    return PeerIdentity(credentials: credentials, names: namesByUID[credentials.uid] ?? [])
  }
}
