import EventLoop
import HTTPClient
import Locking
import TestSupport
import Testing

/// Tests/Support/python/http_peer.py as a process, and a client on a loop of its own.
struct Peer: Sendable {
  let loop: EventLoop
  let client: HTTPClient
  /// Where each of its doors is.
  let doors: [String: UInt16]

  /// Starts both, runs `body`, and ends both whatever `body` does.
  static func with<R>(
    _ arguments: [String] = [], limits: HTTPClientLimits = HTTPClientLimits(),
    _ body: (Peer) async throws -> R
  ) async throws -> R {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(2)
    let script = "/" + parts.joined(separator: "/") + "/Support/python/http_peer.py"
    return try await ChildTool.with("/usr/bin/python3", [script] + arguments) { tool in
      _ = try await tool.line { $0 == "ready" }
      var doors: [String: UInt16] = [:]
      for line in tool.output.lines {
        let words = line.split(separator: " ")
        if words.count == 2 { doors[String(words[0])] = UInt16(words[1]) }
      }
      let loop = try EventLoop(name: "http")
      let client = try HTTPClient(on: loop, limits: limits)
      try loop.start()
      let peer = Peer(loop: loop, client: client, doors: doors)
      do {
        let result = try await body(peer)
        await peer.end()
        return result
      } catch {
        await peer.end()
        throw error
      }
    }
  }

  /// A client with nobody to speak to.
  static func alone(_ body: (EventLoop, HTTPClient) async throws -> Void) async throws {
    let loop = try EventLoop(name: "http")
    let client = try HTTPClient(on: loop)
    defer { client.close() }
    try await body(loop, client)
  }

  func upstream(_ door: String = "plain", host: String = "127.0.0.1") throws -> HTTPUpstream {
    let port = try #require(doors[door])
    var upstream = try HTTPUpstream("\(door == "plain" ? "http" : "https")://\(host):\(port)")
    upstream.policy = AddressPolicy(allowsLoopback: true)
    upstream.timeouts = HTTPTimeouts(
      connect: .seconds(20), head: .seconds(20), stall: .seconds(20), total: .seconds(60))
    return upstream
  }

  func endpoint(
    _ door: String = "plain", _ change: (inout HTTPUpstream) -> Void = { _ in }
  ) throws -> HTTPEndpoint {
    var upstream = try upstream(door)
    change(&upstream)
    return try client.endpoint(for: upstream)
  }

  /// Calls under way, as the loop counts them.
  func callCount() async -> Int {
    await withCheckedContinuation { continuation in
      let client = client
      loop.execute { continuation.resume(returning: client.callCount) }
    }
  }

  private func end() async {
    loop.stop()
    await withCheckedContinuation { continuation in
      detach {
        loop.join()
      } then: {
        continuation.resume()
      }
    }
  }

  private func detach(
    _ body: @escaping @Sendable () -> Void, then: @escaping @Sendable () -> Void
  ) {
    let pool = BlockingPool(name: "join", threadsMax: 1, idleTimeout: .milliseconds(1))
    Task {
      try? await pool.run(body)
      then()
    }
  }
}

extension HTTPEndpoint {
  /// One call to its end: status and body as text.
  func text(
    _ method: HTTPClientRequest.Method = .get, _ target: String, headers: [HTTPField] = [],
    body: HTTPRequestBody = .none, max: Int = 64 << 20
  ) async throws(HTTPClientError) -> (status: Int, text: String, facts: HTTPExchangeFacts) {
    let request = HTTPClientRequest(method, target, headers: headers, body: body)
    let response = try await send(request)
    let bytes = try await response.body.collect(max: max)
    return (response.status, String(decoding: bytes, as: UTF8.self), response.facts)
  }

  /// How often the peer has read a whole request for `path`.
  func seenCount(_ path: String) async throws -> Int? {
    Int(try await text(.get, "/seen\(path)").text)
  }

  /// The error that a call ends with.
  func failure(
    _ method: HTTPClientRequest.Method = .get, _ target: String,
    body: HTTPRequestBody = .none, max: Int = 64 << 20
  ) async -> HTTPClientError? {
    do throws(HTTPClientError) {
      _ = try await text(method, target, body: body, max: max)
      return nil
    } catch {
      return error
    }
  }
}

/// Polls `condition` until it holds; an issue when it does not in time.
func eventually(
  _ what: Comment, on loop: EventLoop, seconds: Int = 20,
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < deadline {
    if try await condition() { return }
    try await loop.sleep(for: .milliseconds(5))
  }
  Issue.record(what, sourceLocation: sourceLocation)
}
