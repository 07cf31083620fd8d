import HTTP2
import RPCStream
import Testing

@Suite struct OutboundBufferTests {
  private func take(_ buffer: inout OutboundBuffer, _ room: Int) -> (BodyFill, [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: room)
    let fill = unsafe bytes.withUnsafeMutableBytes { unsafe buffer.take(into: $0) }
    return (fill, bytes)
  }

  @Test func `bytes leave in order, in pieces of any size, before the end`() {
    for room in [1, 3, 7, 100] {
      var buffer = OutboundBuffer()
      let isTaken = buffer.append(framed: Array(0..<50))
      let isTakenToo = buffer.append(framed: Array(50..<60))
      #expect(isTaken && isTakenToo)
      buffer.finish(.endsWithTrailers)
      var out: [UInt8] = []
      loop: while true {
        let (fill, bytes) = take(&buffer, room)
        switch fill {
        case .bytes(let count): out += bytes[..<count]
        case .endsWithTrailers(let count):
          out += bytes[..<count]
          break loop
        default:
          Issue.record("unexpected \(fill)")
          break loop
        }
      }
      #expect(out == Array(0..<60))
    }
  }

  @Test func `an empty open buffer says not now, an ended one takes nothing more`() {
    var buffer = OutboundBuffer()
    guard case .notNow = take(&buffer, 10).0 else {
      Issue.record("an empty buffer had something")
      return
    }
    buffer.finish(.ends)
    let isTaken = buffer.append(framed: [1])
    #expect(!isTaken)
    guard case .ends(0) = take(&buffer, 10).0 else {
      Issue.record("the end did not come")
      return
    }
  }

  @Test func `what was discarded is not sent`() {
    var buffer = OutboundBuffer()
    _ = buffer.append(framed: [1, 2, 3])
    buffer.discard()
    #expect(buffer.count == 0)
    buffer.finish(.endsWithTrailers)
    guard case .endsWithTrailers(0) = take(&buffer, 10).0 else {
      Issue.record("discarded bytes were sent")
      return
    }
  }
}
