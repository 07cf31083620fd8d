import Glibc
import HTTPClient
import Testing

@Suite(.timeLimit(.minutes(1))) struct AddressTests {
  /// Ways to write a host that some parser or resolver takes for another, and hosts that no
  /// upstream may have. All are refused before anybody is asked or connected to.
  static let refusedURLs = [
    // Numbers that inet_aton reads as 127.0.0.1, 169.254.169.254 or 10.0.0.1.
    "http://2130706433", "http://0x7f000001", "http://017700000001", "http://127.1",
    "http://127.0.1", "http://0177.0.0.1", "http://0x7f.0.0.1", "http://127.0.0.0x1",
    "http://0x7f.1", "http://2852039166", "http://0xA9FEA9FE", "http://169.254.43518",
    "http://0251.0376.0251.0376", "http://167772161", "http://0", "http://0x", "http://00",
    "http://127.0.0.01", "http://127.0.0.1.", "http://256.1.1.1", "http://1.2.3.4.5",
    "http://example.0x1f", "http://example.1",
    // Loopback, private, link-local, metadata, multicast, reserved.
    "http://127.0.0.1", "http://127.255.255.254", "http://0.0.0.0", "http://0.1.2.3",
    "http://10.0.0.1", "http://172.16.0.1", "http://172.31.255.255", "http://192.168.1.1",
    "http://100.64.0.1", "http://198.18.0.1", "http://169.254.169.254", "http://169.254.0.1",
    "http://100.100.100.200", "http://168.63.129.16", "http://192.0.0.192", "http://192.0.2.1",
    "http://224.0.0.1", "http://239.1.1.1", "http://240.0.0.1", "http://255.255.255.255",
    // The same in IPv6, plain and wrapped.
    "http://[::1]", "http://[::]", "http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]",
    "http://[::ffff:169.254.169.254]", "http://[::ffff:0:10.0.0.1]", "http://[::127.0.0.1]",
    "http://[64:ff9b::127.0.0.1]", "http://[64:ff9b::a9fe:a9fe]", "http://[64:ff9b:1::1]",
    "http://[2002:7f00:1::1]", "http://[2002:a00:1::]", "http://[2001::1]",
    "http://[2001:db8::1]", "http://[fe80::1]", "http://[febf::1]", "http://[fec0::1]",
    "http://[fc00::1]", "http://[fd00:ec2::254]", "http://[fd20:ce::254]", "http://[ff02::1]",
    "http://[fe80::1%25eth0]", "http://[::1", "http://::1", "http://[127.0.0.1]",
    "http://[::1]evil.com", "http://[2606:4700::1]x:80",
    // Users, paths, other schemes, ports, control characters, other alphabets.
    "http://user@example.com", "http://user:secret@example.com", "http://example.com@127.0.0.1",
    "http://example.com#@127.0.0.1", "http://example.com\\@127.0.0.1", "http://example.com/path",
    "http://example.com?q", "ftp://example.com", "file:///etc/passwd", "gopher://127.0.0.1:6379",
    "HTTP://example.com", "//example.com", "example.com", "http://", "http:///", "https://:443",
    "http://example.com:", "http://example.com:0", "http://example.com:65536",
    "http://example.com:+80", "http://example.com:80:80", "http://example.com:8 0",
    "http://exa mple.com", "http://example.com\r\nX: 1", "http://example.com\0.evil",
    "http://example%2ecom", "http://１２７.0.0.1", "http://ex\u{E4}mple.com", "http://a..b",
    "http://.example.com", "http://-a.com", "http://a-.com", "http://localhost%00",
    "http://\(String(repeating: "a", count: 64)).com",
    "http://\(String(repeating: "abc.", count: 64))com",
  ]

  @Test(arguments: refusedURLs) func `an address that is not one is refused`(url: String)
    async throws
  {
    try await Peer.alone { loop, client in
      #expect(throws: HTTPClientError.self) {
        _ = try client.endpoint(for: try HTTPUpstream(url))
      }
    }
  }

  @Test(arguments: [
    ("http://127.0.0.1:8080", true, false), ("http://0.0.0.0", true, false),
    ("http://[::1]:80", true, false), ("http://[::ffff:127.0.0.1]", true, false),
    ("http://10.1.2.3", false, true), ("http://[fd12::1]", false, true),
    ("https://8.8.8.8", false, false), ("https://[2606:4700::1111]:8443", false, false),
    ("https://api.example.com", false, false), ("https://xn--bcher-kva.example/", false, false),
    ("http://model_server-1:8000", false, false), ("https://0xproject.com", false, false),
  ])
  func `an address is allowed as the policy says`(
    url: String, loopback: Bool, isPrivate: Bool
  ) async throws {
    try await Peer.alone { _, client in
      var upstream = try HTTPUpstream(url)
      upstream.policy = AddressPolicy(allowsLoopback: loopback, allowsPrivate: isPrivate)
      _ = try client.endpoint(for: upstream)
      upstream.policy = AddressPolicy(allowsLoopback: !loopback, allowsPrivate: !isPrivate)
      if loopback || isPrivate {
        #expect(throws: HTTPClientError.self) { _ = try client.endpoint(for: upstream) }
      }
    }
  }

  @Test func `link-local, metadata and multicast are refused whatever is allowed`() async throws {
    try await Peer.alone { _, client in
      for host in [
        "169.254.169.254", "100.100.100.200", "168.63.129.16", "224.0.0.1", "[fe80::1]",
        "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[ff02::1]", "255.255.255.255",
      ] {
        var upstream = try HTTPUpstream("http://\(host)")
        upstream.policy = AddressPolicy(allowsLoopback: true, allowsPrivate: true)
        #expect(throws: HTTPClientError.self) { _ = try client.endpoint(for: upstream) }
      }
    }
  }

  @Test func `a name that leads to a refused address is refused when it is resolved`()
    async throws
  {
    try await Peer.with { peer in
      let port = try #require(peer.doors["plain"])
      var upstream = try HTTPUpstream("http://localhost:\(port)")
      let error = await (try peer.client.endpoint(for: upstream)).failure(.get, "/ok")
      #expect(error?.code == .addressRefused)
      #expect(error?.wasSent == false)
      upstream.policy.allowsLoopback = true
      let allowed = try peer.client.endpoint(for: upstream)
      #expect(try await allowed.text(.get, "/me").text == "1")
      // The first endpoint's refusal still stands, although a connection to the host is kept.
      upstream.policy.allowsLoopback = false
      let again = await (try peer.client.endpoint(for: upstream)).failure(.get, "/me")
      #expect(again?.code == .addressRefused)
    }
  }

  @Test func `addresses are asked for again after their age, beside the calls`() async throws {
    try await Peer.with { peer in
      let port = try #require(peer.doors["plain"])
      var upstream = try HTTPUpstream("http://localhost:\(port)")
      upstream.policy.allowsLoopback = true
      upstream.addressAgeMax = .zero
      let endpoint = try peer.client.endpoint(for: upstream)
      for _ in 0..<50 { #expect(try await endpoint.text(.get, "/me").text == "1") }
    }
  }

  /// In a process of its own: whoever changes the environment of this one races its readers.
  @Test func `the environment names no proxy`() async throws {
    await #expect(processExitsWith: .success) {
      unsafe setenv("http_proxy", "http://127.0.0.1:9", 1)
      unsafe setenv("ALL_PROXY", "http://127.0.0.1:9", 1)
      try await Peer.with { peer in
        let answer = try await peer.endpoint().text(.get, "/ok")
        guard answer.text == "ok" else { throw HTTPClientError(.internal, "no answer") }
      }
    }
  }

  static let refusedTargets = [
    "", "ok", "http://evil/", "*", "/a b", "/a\r\nX: 1", "/a\n", "/\0", "/ä", "/a#b", "/a\\b",
    "/\u{7F}", "/\t", "/" + String(repeating: "a", count: 8192),
  ]
  static let refusedHeaders = [
    HTTPField("", "x"), HTTPField("a b", "x"), HTTPField("a:", "x"), HTTPField("a\r\nb", "x"),
    HTTPField("ä", "x"), HTTPField("a\0", "x"), HTTPField("x", "a\r\nEvil: 1"),
    HTTPField("x", "a\n"), HTTPField("x", "a\r"), HTTPField("x", "\0"), HTTPField("x", "\u{1B}"),
    HTTPField("Host", "evil"), HTTPField("content-length", "5"), HTTPField("Connection", "close"),
    HTTPField("TRANSFER-ENCODING", "chunked"), HTTPField("Expect", "100-continue"),
    HTTPField("x", String(repeating: "y", count: 70_000)),
  ]

  @Test func `nothing that splits a request leaves this process`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var requests = Self.refusedTargets.map { HTTPClientRequest(.get, $0) }
      requests += Self.refusedHeaders.map { HTTPClientRequest(.post, "/ok", headers: [$0]) }
      requests.append(
        HTTPClientRequest(
          .get, "/ok", headers: (0..<200).map { HTTPField("x\($0)", "") }))
      requests.append(HTTPClientRequest(.get, "/ok", body: .bytes([1])))
      for request in requests {
        let error = await #expect(throws: HTTPClientError.self) {
          _ = try await endpoint.send(request)
        }
        #expect(error?.code == .requestRefused)
        #expect(error?.wasSent == false)
        let secret = request.headers.first?.value ?? ""
        #expect(secret.count < 6 || error?.message.contains(secret) == false)
      }
      // The first connection of all is that of this call.
      #expect(try await endpoint.text(.get, "/me").text == "1")
    }
  }
}
