/// One request, read whole.
struct HTTPRequest: Sendable {
  var method = ""
  var path = ""
  var query = ""
  /// Names in lower case, in their order.
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  var isKeptAlive = true

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// What a connection takes before it refuses.
struct HTTPLimits: Sendable {
  var headBytesMax = 64 << 10
  var headersMax = 128
  var bodyBytesMax = 40_000_000
  /// Bytes of requests that wait behind the one that is answered.
  var waitingBytesMax = 1 << 20
}
