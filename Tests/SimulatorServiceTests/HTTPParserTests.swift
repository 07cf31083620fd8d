import EventLoop
import TestSupport
import Testing

@testable import SimulatorService

/// Requests from bytes, however they are cut.
@Suite struct HTTPParserTests {
  private static func feed(_ bytes: [UInt8], to parser: inout HTTPParser) {
    parser.append(unsafe bytes.span.bytes)
  }

  @Test func `a request is the same in whatever pieces it comes`() throws {
    let text = """
      POST /v1/x?y=1 HTTP/1.1\r\nHost: a\r\nX-Key:  v \r\nTransfer-Encoding: chunked\r\n\r\n\
      5\r\nhello\r\n6;e=1\r\n world\r\n0\r\nt: 1\r\n\r\n\
      GET / HTTP/1.1\r\n\r\nPUT /z HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc
      """
    let bytes = Array(text.utf8)
    var random = SeededRandom("http pieces")
    for _ in 0..<500 {
      var parser = HTTPParser(limits: HTTPLimits())
      var found: [HTTPRequest] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...40, using: &random))
        rest = rest.dropFirst(piece.count)
        Self.feed(Array(piece), to: &parser)
        while case .request(let request) = parser.next() { found.append(request) }
      }
      #expect(found.map(\.method) == ["POST", "GET", "PUT"])
      #expect(found.first?.path == "/v1/x" && found.first?.query == "y=1")
      #expect(found.first?.header("x-key") == "v")
      #expect(found.first?.body == Array("hello world".utf8))
      #expect(found.last?.body == Array("abc".utf8) && found.last?.isKeptAlive == false)
    }
  }

  @Test func `no bytes trap, and what was refused stays so`() {
    var random = SeededRandom("http bytes")
    let good = Array(
      "POST / HTTP/1.1\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\nabcd".utf8)
    for _ in 0..<20_000 {
      var parser = HTTPParser(limits: HTTPLimits())
      Self.feed(random.mutation(of: good), to: &parser)
      for _ in 0..<20 {
        switch parser.next() {
        case .more, .refused: break
        case .request, .wantsContinue: continue
        }
        break
      }
      Self.feed(good, to: &parser)
      _ = parser.next()
    }
  }
}
