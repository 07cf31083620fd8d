import CCurl

/// One of libcurl's transfers, configured once for an endpoint and used for call after call.
///
/// A class, because libcurl keeps a pointer to it: whoever puts it into the multi handle keeps it
/// until it is out again. Touched on the loop's thread only.
@safe final class EasyHandle {
  let raw: OpaquePointer
  /// The call that uses this now.
  var transfer: Transfer?

  private let sessions: TLSSessions
  private var lines = HeaderLines()
  private var hasLines = false
  private var body: UnsafeMutableRawPointer
  private var bodyCapacity = 4096
  private var method: HTTPClientRequest.Method?
  private var target = ""
  private var connectMilliseconds = 0
  private var acceptsCompression = false
  private var pinsVersion = 0
  private var pins: UnsafeMutablePointer<curl_slist>?

  /// Bodies up to this size are joined, and leave with the head in one system call.
  static let joinedBodyBytesMax = 60 << 10
  /// What one read of a socket may bring; less when it may grow a thousandfold by inflating.
  private static let readBytesMax = 32 << 10
  private static let compressedReadBytesMax = 8 << 10

  init(for endpoint: HTTPEndpoint) throws(HTTPClientError) {
    guard let raw = unsafe curl_easy_init() else {
      throw HTTPClientError(.internal, "libcurl gives no handle")
    }
    unsafe self.raw = raw
    sessions = endpoint.client.sessions
    unsafe body = .allocate(byteCount: bodyCapacity, alignment: 16)
    try configure(endpoint)
  }

  deinit {
    unsafe curl_easy_cleanup(raw)
    unsafe body.deallocate()
    unsafe curl_slist_free_all(pins)
  }

  // MARK: Once

  private func configure(_ endpoint: HTTPEndpoint) throws(HTTPClientError) {
    let upstream = endpoint.upstream
    try set(CURLOPT_URL, "\(upstream.origin)/")
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_REDIR_PROTOCOLS_STR, "https")
    for option in [
      CURLOPT_NOSIGNAL, CURLOPT_PATH_AS_IS, CURLOPT_DISALLOW_USERNAME_IN_URL, CURLOPT_TCP_NODELAY,
      CURLOPT_TCP_KEEPALIVE, CURLOPT_SUPPRESS_CONNECT_HEADERS, CURLOPT_SSL_VERIFYPEER,
    ] {
      try set(option, 1)
    }
    try set(CURLOPT_FOLLOWLOCATION, 0)
    try set(CURLOPT_HTTP09_ALLOWED, 0)
    try set(CURLOPT_TCP_KEEPIDLE, 60)
    try set(CURLOPT_TCP_KEEPINTVL, 20)
    try set(CURLOPT_BUFFERSIZE, Self.readBytesMax)
    let idle = endpoint.client.limits.connectionIdleMax.components.seconds
    try set(CURLOPT_MAXAGE_CONN, max(1, Int(min(idle, Int64(Int32.max)))))
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let file = upstream.authoritiesFile {
      try set(CURLOPT_CAINFO, file)
      // Only that file: the system's folder of certificates is not asked besides.
      try unsafe check(assay_curl_set_text(raw, CURLOPT_CAPATH, nil))
    }
    let isSecure = upstream.scheme == .https
    try set(CURLOPT_HTTP_VERSION, isSecure ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    // Calls that come before it is known whether one connection can carry them all wait for that.
    try set(CURLOPT_PIPEWAIT, isSecure ? 1 : 0)
    try configure(upstream.place)
    try unsafe check(assay_curl_set_share(raw, sessions.raw))
    try install(endpoint.client)
  }

  private func configure(_ place: HTTPUpstream.Place) throws(HTTPClientError) {
    // An empty name switches off what the environment says.
    try set(CURLOPT_NOPROXY, "")
    switch place {
    case .network: try set(CURLOPT_PROXY, "")
    case .unixSocket(let path):
      try set(CURLOPT_PROXY, "")
      try set(CURLOPT_UNIX_SOCKET_PATH, path)
    case .proxy(let host, let port):
      try set(CURLOPT_PROXY, "http://\(host):\(port)")
      try set(CURLOPT_HTTPPROXYTUNNEL, 1)
    }
  }

  private func install(_ client: HTTPClient) throws(HTTPClientError) {
    let own = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    for option in [
      CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA,
      CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA,
    ] {
      try unsafe check(assay_curl_set_pointer(raw, option, own))
    }
    // A connection outlives the handle that opened it, so its end is told to the client.
    let owner = unsafe UnsafeRawPointer(Unmanaged.passUnretained(client).toOpaque())
    try unsafe check(assay_curl_set_pointer(raw, CURLOPT_CLOSESOCKETDATA, owner))
    try unsafe check(TransferCallbacks.install(in: raw))
  }

  // MARK: For each call

  /// Everything that may differ from the call before.
  func prepare(_ transfer: Transfer) throws(HTTPClientError) {
    let request = transfer.request
    self.transfer = transfer
    if request.target != target {
      try set(CURLOPT_REQUEST_TARGET, request.target)
      target = request.target
    }
    let milliseconds = transfer.timeouts.connect.millisecondsForCurl
    if milliseconds != connectMilliseconds {
      try set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
      connectMilliseconds = milliseconds
    }
    if request.acceptsCompression != acceptsCompression {
      let names: StaticString = "gzip, br"
      try unsafe check(
        assay_curl_set_pointer(
          raw, CURLOPT_ACCEPT_ENCODING, request.acceptsCompression ? names.utf8Start : nil))
      try set(
        CURLOPT_BUFFERSIZE,
        request.acceptsCompression ? Self.compressedReadBytesMax : Self.readBytesMax)
      acceptsCompression = request.acceptsCompression
    }
    let before = unsafe lines.first
    lines.fill(request.headers)
    if unsafe lines.first != before || !hasLines {
      try unsafe check(assay_curl_set_pointer(raw, CURLOPT_HTTPHEADER, lines.first))
      hasLines = true
    }
    try prepare(request.method, transfer.outgoing)
    try pin(transfer.endpoint)
  }

  private func prepare(
    _ method: HTTPClientRequest.Method, _ outgoing: OutgoingBody
  ) throws(HTTPClientError) {
    let hasBody = !outgoing.isAbsent || method == .post
    if method != self.method {
      self.method = method
      // Switches off NOBODY and all that another method had left.
      try set(CURLOPT_HTTPGET, 1)
      switch method {
      case .head: try set(CURLOPT_NOBODY, 1)
      case .get, .post: try unsafe check(assay_curl_set_text(raw, CURLOPT_CUSTOMREQUEST, nil))
      case .put, .patch, .delete: try set(CURLOPT_CUSTOMREQUEST, method.rawValue)
      }
      if method == .head { try unsafe check(assay_curl_set_text(raw, CURLOPT_CUSTOMREQUEST, nil)) }
    }
    guard hasBody else {
      // A DELETE may have had a body in the call before.
      if method != .head && method != .get { try set(CURLOPT_HTTPGET, 1) }
      return
    }
    try unsafe check(
      assay_curl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, Int64(outgoing.byteCount)))
    guard outgoing.isStreamed else {
      return try unsafe check(
        assay_curl_set_pointer(raw, CURLOPT_POSTFIELDS, join(outgoing.chunks, outgoing.byteCount)))
    }
    try unsafe check(assay_curl_set_pointer(raw, CURLOPT_POSTFIELDS, nil))
    try set(CURLOPT_POST, 1)
  }

  /// A copy that stays in place until the next call.
  private func join(_ segments: [[UInt8]], _ byteCount: Int) -> UnsafeRawPointer {
    if byteCount > bodyCapacity {
      unsafe body.deallocate()
      bodyCapacity = byteCount
      unsafe body = .allocate(byteCount: byteCount, alignment: 16)
    }
    var offset = 0
    for segment in segments {
      unsafe segment.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        unsafe (body + offset).copyMemory(from: base, byteCount: bytes.count)
        offset += bytes.count
      }
    }
    return unsafe UnsafeRawPointer(body)
  }

  /// Tells libcurl's cache which addresses the host has, so that it never asks for them itself.
  private func pin(_ endpoint: HTTPEndpoint) throws(HTTPClientError) {
    guard let entry = endpoint.addresses.entry, pinsVersion != endpoint.addresses.version else {
      return
    }
    let list = unsafe curl_slist_append(nil, entry)
    try unsafe check(assay_curl_set_pointer(raw, CURLOPT_RESOLVE, list))
    unsafe curl_slist_free_all(pins)
    unsafe pins = list
    pinsVersion = endpoint.addresses.version
  }

  // MARK: What libcurl knows of the call

  /// Bytes of requests that were handed to the kernel, or to TLS.
  var requestByteCount: Int { unsafe assay_curl_get_long(raw, CURLINFO_REQUEST_SIZE) }

  func long(_ info: CURLINFO) -> Int { unsafe assay_curl_get_long(raw, info) }

  func text(_ info: CURLINFO) -> String {
    guard let text = unsafe assay_curl_get_text(raw, info) else { return "" }
    return unsafe String(cString: text)
  }

  private func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
    try unsafe check(assay_curl_set_long(raw, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(HTTPClientError) {
    try unsafe check(assay_curl_set_text(raw, option, value))
  }

  private func check(_ code: CURLcode) throws(HTTPClientError) {
    guard code != CURLE_OK else { return }
    var error = HTTPClientError(.internal, "libcurl refuses an option")
    error.curlCode = Int32(code.rawValue)
    throw error
  }
}

/// TLS sessions that calls to the same server resume; shared by all handles of one client.
@safe final class TLSSessions {
  let raw: OpaquePointer?

  init() { unsafe raw = assay_curl_session_share() }

  /// Its handles hold this, so it goes after the last of them.
  deinit { unsafe raw.map { _ = unsafe curl_share_cleanup($0) } }
}
