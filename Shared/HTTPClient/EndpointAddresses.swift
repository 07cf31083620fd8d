import EventLoop

/// Which addresses an endpoint's host has: asked once, checked against the policy, kept for a
/// named age. While they are asked for again, calls go on with those that are known.
final class EndpointAddresses {
  /// As libcurl's cache takes it: `host:port:address,address`; nil when nobody has to resolve.
  private(set) var entry: String?
  /// Changes with `entry`.
  private(set) var version = 0

  private let upstream: HTTPUpstream
  private let loop: EventLoop
  private let host: HostName
  private let port: UInt16
  private let isLookupNeeded: Bool
  private var knownAt: UInt64?
  private var isStale = false
  private var lookup: HostLookup?
  private var waiting: [Transfer] = []

  init(_ upstream: HTTPUpstream, on loop: EventLoop) throws(HTTPClientError) {
    self.upstream = upstream
    self.loop = loop
    switch upstream.place {
    case .network: (host, port) = (upstream.host, upstream.port)
    case .unixSocket:
      (host, port) = (upstream.host, upstream.port)
      isLookupNeeded = false
      return
    case .proxy(let host, let port): (self.host, self.port) = (host, port)
    }
    isLookupNeeded = host.address == nil
    if let address = host.address, !upstream.policy.allows(address) {
      throw Self.refused(host, address)
    }
  }

  /// Whether a call may begin now; if not, it is told by `addressesReady` or by its failure.
  func isReady(for transfer: Transfer) -> Bool {
    guard isLookupNeeded else { return true }
    let now = loop.nowNanoseconds
    if let knownAt {
      if isStale || now - knownAt > upstream.addressAgeMax.nanosecondsForDeadline { refresh() }
      return true
    }
    waiting.append(transfer)
    refresh()
    return false
  }

  /// A call that does not wait any more.
  func leave(_ transfer: Transfer) { waiting.removeAll { $0 === transfer } }

  /// Nobody answered at the addresses: the next call asks again.
  func suspect() { isStale = true }

  func close() {
    lookup?.cancel()
    lookup = nil
  }

  private func refresh() {
    guard lookup == nil else { return }
    lookup = HostLookup(of: host.description, on: loop) { [self] result in
      lookup = nil
      answered(result)
    }
  }

  private func answered(_ result: Result<[String], EventLoopError>) {
    let known = Result { () throws(HTTPClientError) in try check(result) }
    // With known addresses a failure of the resolver stops nobody; it is asked again in time.
    if case .failure = known, entry != nil {
      knownAt = loop.nowNanoseconds
      isStale = false
      return
    }
    let waiting = self.waiting
    self.waiting = []
    switch known {
    case .success(let list):
      let fresh = "\(host):\(port):\(list)"
      if fresh != entry { version += 1 }
      entry = fresh
      knownAt = loop.nowNanoseconds
      isStale = false
      for transfer in waiting { transfer.addressesReady() }
    case .failure(let error):
      for transfer in waiting { transfer.fail(error) }
    }
  }

  private func check(
    _ result: Result<[String], EventLoopError>
  ) throws(HTTPClientError) -> String {
    switch result {
    case .failure(let error):
      if error.code == .loopStopped { throw HTTPClientError(.closed, "The event loop stops") }
      throw HTTPClientError(.notResolved, "The host \(host) has no address")
    case .success(let texts):
      let addresses = texts.compactMap { NetworkAddress($0) }
      guard let first = addresses.first else {
        throw HTTPClientError(.notResolved, "The host \(host) has no address")
      }
      let allowed = addresses.filter(upstream.policy.allows)
      guard !allowed.isEmpty else { throw Self.refused(host, first) }
      return allowed.map { $0.isIPv6 ? "[\($0)]" : "\($0)" }.joined(separator: ",")
    }
  }

  static func refused(_ host: HostName, _ address: NetworkAddress) -> HTTPClientError {
    HTTPClientError(
      .addressRefused, "The address \(address) of \(host) is not one the upstream may have")
  }
}
