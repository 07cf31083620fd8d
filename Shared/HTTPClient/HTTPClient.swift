// HTTPClient: HTTP/1.1 and HTTP/2 to the providers that the operator named, on libcurl's
// multi-socket interface and our event loop. No thread of its own: libcurl is told when a socket
// is ready, and calls back on the loop's thread.
// It will never follow a redirect, read the environment's proxies, a .netrc or cookies, speak
// another protocol, skip the check of a certificate, connect to an address that the upstream's
// policy refuses, send a request twice after a byte of it left, or put a header, a path or a body
// into an error.
// Limits: `HTTPClientLimits` for the client, `HTTPTimeouts` for each call. Idle connections cost
// a descriptor each and no wake-ups; one that is too old goes when the next call finds it.

import CCurl
package import EventLoop
import Glibc

/// All connections of one loop to providers; `endpoint(for:)` gives the way to one of them.
///
/// Life: `init`, calls through endpoints, then `close()`, or the end of the loop, which does the
/// same. Until one of the two it stays, with its connections, whether or not somebody holds it.
@safe package final class HTTPClient: @unchecked Sendable {
  // Sendable because constants are constants and the rest is touched on the loop's thread only.
  package let loop: EventLoop
  package let limits: HTTPClientLimits
  let sessions = TLSSessions()

  private var multi: OpaquePointer?
  /// By descriptor.
  private var sockets: [Socket?] = []
  private var transfers: [ObjectIdentifier: Transfer] = [:]
  /// Transfers with something to tell once libcurl has returned.
  private var changed: [Transfer] = []
  private var spareChanged: [Transfer] = []
  private var depth = 0
  private var timer: LoopTimer?
  private var end: LoopEndWatch?

  /// A socket of libcurl's: what it wants to know of it, and the watch.
  private final class Socket {
    var poll: DescriptorPoll?
    var wanted: Readiness = []
  }

  private static let isLibraryReady = assay_curl_global_init() == CURLE_OK

  /// Loop's thread only, or before the loop runs.
  package init(
    on loop: EventLoop, limits: HTTPClientLimits = HTTPClientLimits()
  ) throws(HTTPClientError) {
    loop.assertCurrent()
    self.loop = loop
    self.limits = limits
    guard Self.isLibraryReady, let multi = unsafe curl_multi_init() else {
      throw HTTPClientError(.internal, "libcurl cannot be started")
    }
    unsafe self.multi = multi
    do throws(EventLoopError) {
      end = try LoopEndWatch(on: loop) { self.close() }
    } catch {
      unsafe curl_multi_cleanup(multi)
      throw HTTPClientError(.closed, "The event loop stops")
    }
    unsafe configure(multi)
  }

  private func configure(_ multi: OpaquePointer) {
    let own = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe assay_curlm_set_callbacks(
      multi,
      { _, socket, what, context, _ in
        unsafe HTTPClient.of(context)?.watch(socket, what)
        return 0
      },
      { _, milliseconds, context in
        unsafe HTTPClient.of(context)?.setTimer(milliseconds)
        return 0
      }, own)
    for (option, value) in [
      (CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connectionsMax),
      (CURLMOPT_MAXCONNECTS, limits.connectionsMax),
      (CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerHostMax),
      (CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX)),
    ] {
      unsafe assay_curlm_set_long(multi, option, max(1, value))
    }
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPClient? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<HTTPClient>.fromOpaque(context).takeUnretainedValue()
  }

  /// The way to one upstream; refuses one whose address its policy does not allow. Any thread.
  package func endpoint(for upstream: HTTPUpstream) throws(HTTPClientError) -> HTTPEndpoint {
    try HTTPEndpoint(upstream, of: self)
  }

  /// Calls under way; loop's thread only.
  package var callCount: Int { transfers.count }

  /// Ends all calls with `closed` and closes all connections; loop's thread only.
  package func close() {
    loop.assertCurrent()
    guard let multi = unsafe multi else { return }
    for transfer in Array(transfers.values) {
      transfer.fail(transfer.error(.closed, "The HTTP client was closed"))
    }
    unsafe self.multi = nil
    timer?.cancel()
    timer = nil
    end?.close()
    end = nil
    depth += 1
    unsafe curl_multi_cleanup(multi)
    depth -= 1
    for socket in sockets { socket?.poll?.close() }
    sockets = []
    tellChanged()
  }

  // MARK: Transfers

  /// Counts a call in, or says why it cannot be.
  func admit(_ transfer: Transfer) throws(HTTPClientError) {
    guard unsafe multi != nil else {
      throw HTTPClientError(.closed, "The HTTP client was closed")
    }
    guard transfers.count < limits.callsMax else {
      throw HTTPClientError(.tooManyCalls, "\(limits.callsMax) calls are under way already")
    }
    transfers[ObjectIdentifier(transfer)] = transfer
  }

  func discharge(_ transfer: Transfer) { transfers[ObjectIdentifier(transfer)] = nil }

  func start(_ handle: EasyHandle) -> Bool {
    guard let multi = unsafe multi else { return false }
    var code = CURLM_OK
    enter { unsafe code = curl_multi_add_handle(multi, handle.raw) }
    return code == CURLM_OK
  }

  /// Takes a handle out; unless its transfer had ended, its connection is closed.
  func remove(_ handle: EasyHandle) {
    guard let multi = unsafe multi else { return }
    enter { unsafe curl_multi_remove_handle(multi, handle.raw) }
  }

  /// Goes on with what a callback had paused; another answer than OK is the transfer's end.
  func resume(_ handle: EasyHandle) -> CURLcode {
    var code = CURLE_OK
    enter { unsafe code = curl_easy_pause(handle.raw, CURLPAUSE_CONT) }
    return code
  }

  /// `transfer.tell()` is called once libcurl has returned.
  func note(_ transfer: Transfer) {
    changed.append(transfer)
    if depth == 0 { loop.atEndOfTurn(self) }
  }

  /// Calls libcurl; what that brought about is seen to at the end of the turn.
  private func enter(_ call: () -> Void) {
    depth += 1
    call()
    depth -= 1
    if depth == 0, !changed.isEmpty { loop.atEndOfTurn(self) }
  }

  /// Lets libcurl act, then sees to what that brought about.
  private func act(on socket: Int32, _ mask: Int32) {
    // Calls that come too late are told all the same.
    guard let multi = unsafe multi else { return tellChanged() }
    var running: Int32 = 0
    depth += 1
    unsafe curl_multi_socket_action(multi, socket, mask, &running)
    depth -= 1
    settle()
  }

  private func settle() {
    guard depth == 0, let multi = unsafe multi else { return }
    var code = CURLE_OK
    while let raw = unsafe assay_curlm_next_done(multi, &code) {
      guard let context = unsafe assay_curl_get_private(raw) else { continue }
      let handle = unsafe Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue()
      handle.transfer?.ended(code)
    }
    tellChanged()
  }

  private func tellChanged() {
    while !changed.isEmpty {
      swap(&changed, &spareChanged)
      for transfer in spareChanged { transfer.tell() }
      spareChanged.removeAll(keepingCapacity: true)
    }
  }

  // MARK: Sockets

  private func watch(_ descriptor: Int32, _ what: Int32) {
    guard descriptor >= 0 else { return }
    let wanted: Readiness
    switch what {
    case CURL_POLL_IN: wanted = .read
    case CURL_POLL_OUT: wanted = .write
    case CURL_POLL_INOUT: wanted = [.read, .write]
    default: wanted = []
    }
    guard let socket = socket(descriptor, makes: !wanted.isEmpty) else { return }
    socket.wanted = wanted
    // A connection between two calls stays watched: most are used again before anything comes.
    if wanted.isEmpty, socket.poll?.watched == .read { return }
    guard !wanted.isEmpty else { return socket.poll?.unwatch() ?? () }
    socket.poll?.watch(wanted)
  }

  private func socket(_ descriptor: Int32, makes: Bool) -> Socket? {
    let index = Int(descriptor)
    if index < sockets.count, let socket = sockets[index] { return socket }
    guard makes else { return nil }
    while sockets.count <= index { sockets.append(nil) }
    let socket = Socket()
    // Without a watch the transfer ends by its timeout: nothing else can be done here.
    socket.poll = try? DescriptorPoll(
      descriptor, on: loop,
      onReady: { [unowned self, unowned socket] in ready(descriptor, socket, $0) }, onStop: {})
    sockets[index] = socket
    return socket
  }

  private func ready(_ descriptor: Int32, _ socket: Socket, _ readiness: Readiness) {
    guard !socket.wanted.isEmpty else {
      // Between two calls, or while the reader is slow: it is looked at when it is wanted again.
      socket.poll?.unwatch()
      return
    }
    var mask: Int32 = 0
    // What an error is, libcurl learns from the socket itself.
    let all = readiness.contains(.error) ? socket.wanted : readiness
    if all.contains(.read) { mask |= CURL_CSELECT_IN }
    if all.contains(.write) { mask |= CURL_CSELECT_OUT }
    act(on: descriptor, mask)
    if !socket.wanted.isEmpty { socket.poll?.watch(socket.wanted) }
  }

  /// libcurl is about to close the descriptor.
  func forget(_ descriptor: Int32) {
    guard sockets.indices.contains(Int(descriptor)) else { return }
    let socket = sockets[Int(descriptor)]
    sockets[Int(descriptor)] = nil
    socket?.wanted = []
    socket?.poll?.close()
    socket?.poll = nil
  }

  // MARK: Time

  private func setTimer(_ milliseconds: Int) {
    timer?.cancel()
    timer = nil
    guard milliseconds >= 0 else { return }
    guard milliseconds > 0 else { return loop.atEndOfTurn(self) }
    timer = loop.schedule(after: .milliseconds(milliseconds)) { [unowned self] in
      timer = nil
      act(on: assay_socket_timeout, 0)
    }
  }
}

extension HTTPClient: TurnEnding {
  /// What libcurl wants to do at once: it is done once for all calls of a turn.
  package func turnEnded() { act(on: assay_socket_timeout, 0) }
}
