/// Which addresses an upstream may resolve to.
package struct AddressPolicy: Hashable, Sendable {
  package var allowsLoopback: Bool
  package var allowsPrivate: Bool

  /// Public addresses, and what is said here; link-local, metadata, multicast and reserved never.
  package init(allowsLoopback: Bool = false, allowsPrivate: Bool = false) {
    self.allowsLoopback = allowsLoopback
    self.allowsPrivate = allowsPrivate
  }

  /// Whether an upstream with this policy may be connected to there.
  package func allows(_ address: NetworkAddress) -> Bool {
    switch address.kind {
    case .public: true
    case .loopback: allowsLoopback
    case .private: allowsPrivate
    case .forbidden: false
    }
  }
}
