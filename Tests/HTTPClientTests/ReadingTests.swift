import EventLoop
import HTTPClient
import Testing

/// Slow readers, readers that leave, and tasks that are cancelled.
@Suite(.timeLimit(.minutes(1))) struct ReadingTests {
  @Test func `a reader that stops stops the sender`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint { $0.timeouts.stall = .milliseconds(200) }
      let response = try await endpoint.send(HTTPClientRequest(.get, "/endless"))
      let bound = peer.client.limits.bufferedBytesMax
      var received = -1
      try await eventually("the sender is stopped", on: peer.loop) {
        defer { received = response.body.receivedByteCount }
        return received == response.body.receivedByteCount && received >= bound
      }
      #expect(received < bound + (64 << 10))
      // Three drips last longer than a stall may: our own slowness is no fault of the peer's.
      let sent = Int(try await endpoint.text(.get, "/sent").text) ?? 0
      for _ in 0..<3 { _ = try await endpoint.text(.get, "/drip") }
      #expect(Int(try await endpoint.text(.get, "/sent").text) ?? 0 <= sent + 65_536)
      #expect(response.body.receivedByteCount == received)
      // The kernel's buffers on both sides hold the rest.
      #expect(sent < 16 << 20)
      var total = 0
      for try await chunk in response.body {
        total += chunk.count
        #expect(chunk.allSatisfy { $0 == UInt8(ascii: "x") })
        if total > 30_000_000 { break }
      }
      #expect(total > 30_000_000)
    }
  }

  @Test func `a slow reader of a compressed answer bounds it too`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var request = HTTPClientRequest(.get, "/bomb")
      request.acceptsCompression = true
      request.responseBodyBytesMax = 300_000_000
      let response = try await endpoint.send(request)
      var total = 0
      for try await chunk in response.body {
        total += chunk.count
        // 8 KiB, a thousandfold.
        #expect(chunk.count <= 9_000_000)
      }
      #expect(total == 256_000_000)
    }
  }

  @Test func `a whole answer that nobody reads stays within its bound`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      var responses: [HTTPClientResponse] = []
      for _ in 0..<8 { responses.append(try await endpoint.send(HTTPClientRequest(.get, "/big"))) }
      for response in responses {
        #expect(response.body.receivedByteCount <= peer.client.limits.bufferedBytesMax + (64 << 10))
        #expect(try await response.body.collect(max: 8_000_000).count == 8_000_000)
      }
      #expect(await peer.callCount() == 0)
    }
  }

  @Test func `dropping the iterator or the body ends the exchange`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for way in 0..<3 {
        let connection = try await endpoint.text(.get, "/me").text
        do {
          let response = try await endpoint.send(HTTPClientRequest(.get, "/endless"))
          if way == 0 { for try await _ in response.body { break } }
          if way == 1 {
            await #expect(throws: HTTPClientError.self) {
              _ = try await response.body.collect(max: 10)
            }
          }
          if way == 0 {
            try await eventually("it ends while the response is still held", on: peer.loop) {
              await peer.callCount() == 0
            }
          }
          #expect(response.status == 200)
        }
        try await eventually("the exchange ends", on: peer.loop) { await peer.callCount() == 0 }
        #expect(try await endpoint.text(.get, "/me").text != connection)
      }
    }
  }

  @Test func `a body is read once`() async throws {
    try await Peer.with { peer in
      let response = try await (try peer.endpoint()).send(HTTPClientRequest(.get, "/ok"))
      #expect(try await response.body.collect(max: 10) == Array("ok".utf8))
      let error = await #expect(throws: HTTPClientError.self) {
        _ = try await response.body.collect(max: 10)
      }
      #expect(error?.code == .bodyAlreadyRead)
    }
  }

  enum Moment: CaseIterable { case before, connecting, sending, waiting, reading, feeding }

  @Test(arguments: Moment.allCases)
  func `a cancelled task ends its exchange at any moment`(moment: Moment) async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      let connection = try await endpoint.text(.get, "/me").text
      let task = Task { () -> HTTPClientError? in
        if moment == .before {
          unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
          return await endpoint.failure(.get, "/ok")
        }
        switch moment {
        case .before: return nil
        // Nobody answers on this door's handshake: it stays in connecting.
        case .connecting: return await self.hanging(peer)
        case .sending:
          return await endpoint.failure(
            .post, "/unread", body: .bytes([UInt8](repeating: 1, count: 30_000_000)))
        case .waiting: return await endpoint.failure(.get, "/silent")
        case .reading: return await endpoint.failure(.get, "/stalls")
        case .feeding: return await endpoint.failure(.post, "/sum", body: .source(SlowSource()))
        }
      }
      if moment != .before {
        try await eventually("the call is under way", on: peer.loop) {
          await peer.callCount() == 1
        }
      }
      task.cancel()
      let error = await task.value
      #expect(error?.code == .cancelled, "\(error?.description ?? "none")")
      if moment == .before || moment == .connecting { #expect(error?.wasSent == false) }
      try await eventually("the exchange ends", on: peer.loop) { await peer.callCount() == 0 }
      let next = try await endpoint.text(.get, "/me").text
      #expect((next == connection) == (moment == .before || moment == .connecting))
    }
  }

  /// A TLS handshake with a door that speaks none.
  private func hanging(_ peer: Peer) async -> HTTPClientError? {
    do {
      var upstream = try HTTPUpstream("https://127.0.0.1:\(peer.doors["plain"] ?? 0)")
      upstream.policy.allowsLoopback = true
      return await (try peer.client.endpoint(for: upstream)).failure(.get, "/")
    } catch {
      return nil
    }
  }

  @Test func `cancelled calls by the hundred leave nothing behind`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint()
      for _ in 0..<5 {
        let tasks = (0..<40).map { index in
          Task { await endpoint.failure(.get, index % 2 == 0 ? "/silent" : "/stalls") }
        }
        try await eventually("they are under way", on: peer.loop) {
          await peer.callCount() == 40
        }
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value?.code == .cancelled) }
        #expect(await peer.callCount() == 0)
      }
      #expect(try await endpoint.text(.get, "/ok").text == "ok")
    }
  }

  @Test func `a source is asked no faster than the socket takes`() async throws {
    try await Peer.with { peer in
      let endpoint = try peer.endpoint { $0.timeouts.stall = .milliseconds(300) }
      let source = CountedSource()
      let error = await endpoint.failure(.post, "/unread", body: .source(source))
      #expect(error?.code == .stallTimeout)
      // What the kernel holds for both ends, of 400 MB.
      #expect(await source.givenCount < 200)
    }
  }
}

/// Never gives a byte, and ends when its task is cancelled.
struct SlowSource: HTTPBodySource {
  let byteCount = 1000

  func next() async throws -> [UInt8]? {
    let (never, keeper) = AsyncStream.makeStream(of: [UInt8].self)
    defer { keeper.finish() }
    return await never.first { _ in true }
  }
}

/// 400 MB in pieces of 100 kB.
actor CountedSource: HTTPBodySource {
  nonisolated let byteCount = 400_000_000
  private(set) var givenCount = 0

  func next() -> [UInt8]? {
    givenCount += 1
    return [UInt8](repeating: 1, count: 100_000)
  }
}
