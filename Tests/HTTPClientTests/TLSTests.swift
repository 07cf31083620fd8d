import HTTPClient
import TestSupport
import Testing

/// Certificates are made by openssl for each test, in a folder that goes with it.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
  /// An authority, and certificates by it: `good` for localhost, `other` for another name, `old`.
  private func withDoors(
    _ body: (Peer, ScratchFolder) async throws -> Void
  ) async throws {
    try await ScratchFolder.with { folder in
      let elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
      func openssl(_ arguments: [String]) async throws {
        let output = try await ChildTool.run("/usr/bin/openssl", arguments)
        #expect(output.isSuccess, "\(output.lastWords)")
      }
      for name in ["ca", "stranger"] {
        try await openssl(
          ["req", "-x509", "-subj", "/CN=\(name)", "-days", "2"] + elliptic
            + ["-keyout", folder.file("\(name).key"), "-out", folder.file("\(name).pem")])
      }
      for (name, host, days) in [
        ("good", "DNS:localhost,IP:127.0.0.1", "2"), ("other", "DNS:provider.example", "2"),
        ("old", "DNS:localhost,IP:127.0.0.1", "-1"),
      ] {
        try await openssl(
          ["req", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(host)"] + elliptic
            + ["-keyout", folder.file("\(name).key"), "-out", folder.file("\(name).csr")])
        try await openssl([
          "x509", "-req", "-in", folder.file("\(name).csr"), "-CA", folder.file("ca.pem"),
          "-CAkey", folder.file("ca.key"), "-CAcreateserial", "-copy_extensions", "copy",
          "-days", days, "-out", folder.file("\(name).pem"),
        ])
      }
      let doors = ["good", "other", "old"].flatMap {
        ["--tls", "\($0)=\(folder.file("\($0).pem")),\(folder.file("\($0).key"))"]
      }
      let second = ["--h2", "\(folder.file("good.pem")),\(folder.file("good.key"))"]
      try await Peer.with(doors + second) { peer in try await body(peer, folder) }
    }
  }

  @Test func `a certificate is accepted only from its authority, for its name, in its time`()
    async throws
  {
    try await withDoors { peer, folder in
      let authority = folder.file("ca.pem")
      let cases: [(door: String, file: String?, code: HTTPClientError.Code?)] = [
        ("good", authority, nil), ("good", nil, .tls(.untrusted)),
        ("good", folder.file("stranger.pem"), .tls(.untrusted)),
        ("other", authority, .tls(.nameMismatch)), ("old", authority, .tls(.expired)),
        ("good", folder.file("none.pem"), .tls(.authoritiesFile)),
        // What was accepted once is no passport for an endpoint that trusts another.
        ("good", authority, nil), ("good", nil, .tls(.untrusted)),
      ]
      for (door, file, code) in cases {
        let endpoint = try peer.endpoint(door) { $0.authoritiesFile = file }
        let error = await endpoint.failure(.post, "/ok", body: .bytes([1]))
        #expect(error?.code == code, "\(door), \(error?.description ?? "no error")")
        #expect(error?.wasSent != true)
      }
    }
  }

  @Test func `a door that speaks no TLS is a failed handshake`() async throws {
    try await Peer.with { peer in
      let port = try #require(peer.doors["plain"])
      var upstream = try HTTPUpstream("https://127.0.0.1:\(port)")
      upstream.policy.allowsLoopback = true
      upstream.timeouts.connect = .milliseconds(300)
      // It waits for the end of a head, which a greeting has not.
      let waiting = await (try peer.client.endpoint(for: upstream)).failure(.get, "/")
      #expect(waiting?.code == .connectTimeout)
      #expect(waiting?.wasSent == false)
    }
  }

  @Test func `connections over TLS are kept, and carry large bodies both ways`() async throws {
    try await withDoors { peer, folder in
      let endpoint = try peer.endpoint("good") { $0.authoritiesFile = folder.file("ca.pem") }
      #expect(try await endpoint.text(.get, "/me").facts.isConnectionReused == false)
      let large = [UInt8](repeating: 7, count: 8_000_000)
      let sum = try await endpoint.text(.post, "/sum", body: .bytes(large))
      #expect(sum.text.hasPrefix("8000000 "))
      #expect(sum.facts.isConnectionReused)
      let big = try await endpoint.text(.get, "/big")
      #expect(big.text.utf8.count == 8_000_000)
      #expect(await endpoint.failure(.post, "/dies", body: .bytes([1]))?.wasSent == true)
      #expect(await endpoint.failure(.get, "/short")?.code == .closedEarly)
      #expect(try await endpoint.seenCount("/dies") == 1)
    }
  }

  @Test func `HTTP 2 is spoken where it is offered, many calls on one connection`() async throws {
    try await withDoors { peer, folder in
      let endpoint = try peer.endpoint("h2") { $0.authoritiesFile = folder.file("ca.pem") }
      try await withThrowingTaskGroup(of: HTTPExchangeFacts.self) { group in
        for size in 0..<100 {
          group.addTask {
            let body = [UInt8](repeating: 1, count: 100 + size * 997)
            let form: HTTPRequestBody = size % 2 == 0 ? .bytes(body) : .source(Chunks([body]))
            let answer = try await endpoint.text(.post, "/x", body: form)
            #expect(answer.text == "\(body.count) bytes")
            return answer.facts
          }
        }
        var anewCount = 0
        for try await facts in group {
          #expect(facts.version == .http2)
          if !facts.isConnectionReused { anewCount += 1 }
        }
        #expect(anewCount == 1)
      }
      let refused = await endpoint.failure(
        .post, "/x", body: .bytes([UInt8](repeating: 1, count: 13)))
      #expect(refused?.code == .reset || refused?.code == .closedEarly)
      #expect(refused?.wasSent == true)
      let plain = try peer.endpoint()
      #expect(try await plain.seenCount("/h2") == 101)
      #expect(try await endpoint.text(.post, "/x", body: .bytes([1])).text == "1 bytes")
    }
  }

  @Test func `an operator's proxy is asked for a tunnel, and is what the policy looks at`()
    async throws
  {
    try await Peer.with { peer in
      let port = try #require(peer.doors["proxy"])
      var upstream = try HTTPUpstream("http://provider.example")
      upstream.place = .proxy(host: try HostName("127.0.0.1"), port: port)
      #expect(throws: HTTPClientError.self) { _ = try peer.client.endpoint(for: upstream) }
      upstream.policy.allowsLoopback = true
      let endpoint = try peer.client.endpoint(for: upstream)
      for _ in 0..<3 {
        let answer = try await endpoint.text(.post, "/head", body: .bytes([1]))
        #expect(answer.text.hasPrefix("POST /head HTTP/1.1\r\nHost: provider.example\r\n"))
        #expect(!answer.text.contains("Proxy"))
      }
      #expect(try await endpoint.seenCount("/connect") == 1)
      let dead = await endpoint.failure(.post, "/dies", body: .bytes([1]))
      #expect(dead?.wasSent == true)
      #expect(try await endpoint.seenCount("/dies") == 1)
      let other = try {
        var other = try HTTPUpstream("http://other.example")
        (other.place, other.policy) = (upstream.place, upstream.policy)
        return try peer.client.endpoint(for: other)
      }()
      let refused = await other.failure(.get, "/")
      #expect(refused?.code == .notConnected)
      #expect(refused?.wasSent == false)
    }
  }
}
