import EventLoop

/// One upstream as a client speaks to it: its addresses, and handles configured for it.
///
/// Keep it: the handles are what makes the next call cheap. Connections belong to the client.
package final class HTTPEndpoint: @unchecked Sendable {
  // Sendable because constants are constants and the rest is touched on the loop's thread only.
  package let upstream: HTTPUpstream
  let client: HTTPClient
  let addresses: EndpointAddresses
  let isUnix: Bool
  private var idle: [EasyHandle] = []

  init(_ upstream: HTTPUpstream, of client: HTTPClient) throws(HTTPClientError) {
    self.upstream = upstream
    self.client = client
    addresses = try EndpointAddresses(upstream, on: client.loop)
    if case .unixSocket(let path) = upstream.place {
      let bytes = path.utf8
      guard (1...SocketAddress.unixPathBytesMax).contains(bytes.count), !bytes.contains(0) else {
        throw .requestRefused("A socket's path has 1 to \(SocketAddress.unixPathBytesMax) bytes")
      }
      isUnix = true
    } else {
      isUnix = false
    }
    for text in [upstream.authoritiesFile ?? ""] where text.utf8.contains(0) {
      throw .requestRefused("The path of a file has a NUL in it")
    }
  }

  /// Anybody may drop this; its handles go on the loop, whose TLS sessions they share.
  deinit {
    guard !idle.isEmpty else { return }
    let handles = IdleHandles(idle)
    client.loop.execute { handles.drop() }
  }

  /// Sends a request and returns when the head of its answer has come. Any task.
  ///
  /// It is sent once at most: only when a kept connection turns out to be dead before it took a
  /// single byte does libcurl go on to another. Cancelling the task ends the exchange at once.
  package func send(
    _ request: HTTPClientRequest
  ) async throws(HTTPClientError) -> HTTPClientResponse {
    try RequestCheck.check(request, client.limits)
    let transfer = Transfer(request, to: self)
    guard case .source(let source) = request.body, source.byteCount > 0 else {
      return try await transfer.run().get()
    }
    return try await withFeeder(of: source, for: transfer)
  }

  /// The source is asked by a task beside the one that waits for the head.
  private func withFeeder(
    of source: any HTTPBodySource, for transfer: Transfer
  ) async throws(HTTPClientError) -> HTTPClientResponse {
    let result = await withTaskGroup(of: Void.self) { group in
      group.addTask(executorPreference: client.loop) { await transfer.feed(from: source) }
      let result = await transfer.run()
      if case .failure = result { group.cancelAll() }
      return result
    }
    return try result.get()
  }

  // MARK: Handles, on the loop's thread

  func takeHandle() throws(HTTPClientError) -> EasyHandle {
    if let handle = idle.popLast() { return handle }
    return try EasyHandle(for: self)
  }

  func giveBack(_ handle: EasyHandle) {
    handle.transfer = nil
    if idle.count < client.limits.idleHandlesMax { idle.append(handle) }
  }
}

/// Handles on their way to the loop, to be freed there.
private final class IdleHandles: @unchecked Sendable {
  // Sendable because only the closure that was handed to the loop looks inside.
  private var handles: [EasyHandle]

  init(_ handles: [EasyHandle]) { self.handles = handles }

  func drop() { handles = [] }
}
