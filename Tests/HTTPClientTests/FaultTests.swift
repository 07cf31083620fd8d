import HTTPClient
import TestSupport
import Testing

/// Every fault of a peer ends in its one error, leaves no connection behind that somebody might
/// use, and the next call on the same handle is healthy.
@Suite(.timeLimit(.minutes(2))) struct FaultTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    let target: String
    let code: HTTPClientError.Code
    var wasAnswered = true
    var bodyByteCount = 0

    var testDescription: String { target }

    init(
      _ target: String, _ code: HTTPClientError.Code, answered: Bool = true, size: Int = 0
    ) {
      self.target = target
      self.code = code
      wasAnswered = answered
      bodyByteCount = size
    }
  }

  static let faults = [
    Fault("/dies", .closedEarly, answered: false), Fault("/reset", .reset, answered: false),
    Fault("/silent", .headTimeout, answered: false), Fault("/slow-head", .headTimeout),
    Fault("/cut-head", .closedEarly), Fault("/short", .closedEarly),
    Fault("/half-close", .closedEarly), Fault("/reset-midway", .reset),
    Fault("/stalls", .stallTimeout), Fault("/cut-chunk", .closedEarly),
    Fault("/no-last-chunk", .closedEarly), Fault("/bad-chunk", .protocolViolation),
    Fault("/garbage", .protocolViolation), Fault("/bad-status", .protocolViolation),
    Fault("/bad-length", .protocolViolation), Fault("/huge-head", .headTooLarge),
    Fault("/long-line", .headTooLarge), Fault("/endless", .bodyTooLarge),
    Fault("/early-reset", .reset, answered: false, size: 30_000_000),
    Fault("/unread", .stallTimeout, answered: false, size: 30_000_000),
  ]

  @Test(arguments: faults) func `a peer's fault ends in its one error`(fault: Fault) async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint {
        $0.timeouts = HTTPTimeouts(
          connect: .seconds(20), head: .milliseconds(400), stall: .milliseconds(400),
          total: .seconds(20))
      }
      let connection = try await endpoint.text(.get, "/me").text
      for body in [HTTPRequestBody.bytes([1]), .segments([[1], [2]])] {
        let large = [UInt8](repeating: 7, count: fault.bodyByteCount)
        let body = fault.bodyByteCount > 0 ? .bytes(large) : body
        let error = await endpoint.failure(.post, fault.target, body: body, max: 1_000_000)
        #expect(error?.code == fault.code, "\(error?.description ?? "no error")")
        #expect(error?.wasSent == true)
        #expect(error?.wasAnswered == fault.wasAnswered)
        let next = try await endpoint.text(.get, "/me")
        #expect(next.text != connection)
        #expect(!next.facts.isConnectionReused)
      }
      // Sent once each: nothing was tried again behind the caller's back.
      if fault.bodyByteCount == 0 {
        #expect(try await endpoint.seenCount(fault.target) == 2)
      }
      #expect(await peer.callCount() == 0)
    }
  }

  @Test(arguments: [1, 100_000])
  func `a kept connection that dies with the request is not replaced by another`(
    size: Int
  ) async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for body in [
        HTTPRequestBody.bytes([UInt8](repeating: 1, count: size)),
        .source(Chunks([[UInt8](repeating: 1, count: size)])),
      ] {
        // Two kept connections: the second would be there to be tried.
        async let one = endpoint.text(.get, "/drip")
        async let two = endpoint.text(.get, "/drip")
        _ = try await (one, two)
        let before = try await endpoint.seenCount("/dies") ?? 0
        let error = await endpoint.failure(.post, "/dies", body: body)
        #expect(error?.code == .closedEarly)
        #expect(error?.wasSent == true)
        #expect(error?.wasAnswered == false)
        #expect(try await endpoint.seenCount("/dies") == before + 1)
      }
    }
  }

  @Test func `a connection that the peer closes while idle costs at most the call in its way`()
    async throws
  {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var answeredCount = 0
      for _ in 0..<40 {
        do throws(HTTPClientError) {
          #expect(try await endpoint.text(.post, "/leaves", body: .bytes([1])).text == "ok")
          answeredCount += 1
        } catch {
          // The end of the connection and our request have passed each other.
          #expect(error.code == .closedEarly || error.code == .reset)
          #expect(error.wasSent)
        }
      }
      #expect(answeredCount >= 20)
      #expect(try await endpoint.seenCount("/leaves") == answeredCount)
    }
  }

  @Test func `faults in any order leave nothing behind on the handle they share`() async throws {
    var random = SeededRandom("faults")
    try await Peer.with { peer in
      let endpoint = try peer.endpoint {
        $0.timeouts = HTTPTimeouts(
          connect: .seconds(20), head: .milliseconds(300), stall: .milliseconds(300))
      }
      for _ in 0..<2 {
        for fault in Self.faults.shuffled(using: &random) where fault.bodyByteCount == 0 {
          let error = await endpoint.failure(.post, fault.target, max: 1_000_000)
          #expect(error?.code == fault.code, "\(fault.target): \(error?.description ?? "")")
          if Bool.random(using: &random) {
            #expect(try await endpoint.text(.get, "/ok").text == "ok")
          }
        }
      }
    }
  }

  @Test func `what comes behind an answer is nobody's answer`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for _ in 0..<5 {
        #expect(try await endpoint.text(.get, "/two").text == "ok")
        let next = try await endpoint.text(.get, "/ok")
        #expect(next.status == 200)
        #expect(next.text == "ok")
      }
    }
  }

  @Test func `a refusal before the body was read is an answer`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let large = [UInt8](repeating: 7, count: 30_000_000)
      let slices = (0..<300).map { _ in [UInt8](repeating: 7, count: 100_000) }
      for body in [HTTPRequestBody.bytes(large), .source(Chunks(slices))] {
        let answer = try await endpoint.text(.post, "/early-refusal", body: body)
        #expect(answer.status == 413)
        #expect(answer.text == "too much")
        #expect(try await endpoint.text(.get, "/ok").text == "ok")
      }
      let early = try await endpoint.text(.post, "/early-answer", body: .bytes(large))
      #expect(early.text == "ok")
      #expect(try await endpoint.seenCount("/early-answer") == 1)
    }
  }

  @Test func `a gzip bomb is cut at the bound on inflated bytes`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var request = HTTPClientRequest(.get, "/bomb")
      request.acceptsCompression = true
      request.responseBodyBytesMax = 5_000_000
      let response = try await endpoint.send(request)
      let cut = await #expect(throws: HTTPClientError.self) {
        _ = try await response.body.collect(max: 300_000_000)
      }
      #expect(cut?.code == .bodyTooLarge)
      #expect(response.body.receivedByteCount <= 5_000_000)
      request.target = "/bad-gzip"
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await endpoint.send(request).body.collect(max: 1000)
      }
      #expect(error?.code == .protocolViolation)
      #expect(try await endpoint.text(.get, "/ok").text == "ok")
    }
  }

  @Test func `the total timeout ends whatever goes on`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint {
        $0.timeouts.total = .milliseconds(100)
      }
      let dripping = await endpoint.failure(.get, "/drip")
      #expect(dripping?.code == .totalTimeout)
      #expect(dripping?.wasAnswered == true)
      #expect(await endpoint.failure(.get, "/silent")?.code == .totalTimeout)
    }
  }

  @Test func `nobody there is told as nothing sent`() async throws {
    try await Peer.with { peer in
      var upstream = try HTTPUpstream("http://127.0.0.1:1")
      upstream.policy.allowsLoopback = true
      let error = await (try peer.client.endpoint(for: upstream)).failure(.get, "/")
      #expect(error?.code == .notConnected)
      #expect(error?.wasSent == false)
      upstream = try HTTPUpstream("http://no-such-host.invalid")
      let unknown = await (try peer.client.endpoint(for: upstream)).failure(.get, "/")
      #expect(unknown?.code == .notResolved)
      #expect(unknown?.wasSent == false)
    }
  }

  @Test func `a source that throws, ends early or gives too much fails the call`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let sources: [any HTTPBodySource] = [
        Chunks([[1, 2, 3]], byteCount: 1000), Chunks([], byteCount: 3_000_000),
        Chunks([[UInt8](repeating: 1, count: 1001)], byteCount: 1000), BrokenSource(),
        Chunks([[UInt8](repeating: 1, count: 1000), [1]], byteCount: 1000),
      ]
      for source in sources {
        let error = await endpoint.failure(.post, "/sum", body: .source(source))
        // The last one may have been answered before its surplus is seen.
        if source.byteCount != 1000 || error != nil { #expect(error?.code == .sourceFailed) }
        #expect(try await endpoint.text(.get, "/ok").text == "ok")
      }
    }
  }
}

struct BrokenSource: HTTPBodySource {
  struct Broken: Error {}
  let byteCount = 100

  func next() throws -> [UInt8]? { throw Broken() }
}
