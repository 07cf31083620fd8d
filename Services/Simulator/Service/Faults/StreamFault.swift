import SimulatorModel
import SimulatorScript

/// Bends the events of a stream.
enum StreamFault {
  /// How a stream ends.
  enum Ending: Equatable {
    case whole, cut, reset, halfClose, stall, endless
    case longLine(Int)
  }

  /// What is played, how long between deltas beside the latency law, and how it ends.
  struct Score {
    var parts: [StreamPart]
    var pause = Duration.zero
    var ending = Ending.whole
  }

  /// Deltas of a stream without end.
  static let endlessMax = 100_000
  private static let pingsMax = 1000

  static func score(_ reply: Reply, _ strike: FaultScript.Strike?) -> Score {
    var score = Score(parts: reply.stream())
    guard let strike, strike.fault.stage == .stream else { return score }
    let dialect = reply.request.dialect
    let after = strike.options.after
    switch strike.fault {
    case .streamError, .streamOverloaded:
      score.parts = beginning(score.parts, after)
      let isOverload = strike.fault == .streamOverloaded
      score.parts.append(StreamPart(.opening, errorEvent(dialect, isOverload: isOverload)))
    case .streamTruncated: score.parts = beginning(score.parts, after)
    case .streamGarbage:
      score.parts = beginning(score.parts, after)
      score.parts.append(StreamPart(.opening, Array("data: {\"type\":\"conte nt\n\n".utf8)))
    case .streamNoEnd: score.parts.removeAll { $0.kind == .closing }
    case .streamPings:
      insert(Array(repeating: ping(dialect), count: pingsMax), into: &score.parts)
    case .streamUnknownEvents: insert(strangers(dialect), into: &score.parts)
    case .streamDuplicateDelta:
      score.parts = score.parts.flatMap { $0.kind == .delta ? [$0, $0] : [$0] }
    case .streamSwappedDeltas: swapDeltas(&score.parts)
    case .streamEndless:
      score.parts.removeAll { $0.kind == .closing }
      score.pause = .milliseconds(strike.options.delayMilliseconds)
      score.ending = .endless
    default:
      score.parts = beginning(score.parts, after)
      score.ending = ending(strike)
    }
    return score
  }

  private static func ending(_ strike: FaultScript.Strike) -> Ending {
    switch strike.fault {
    case .streamCut: .cut
    case .streamReset: .reset
    case .streamHalfClose: .halfClose
    case .streamStall: .stall
    case .streamLongLine: .longLine(strike.options.bytes)
    default: .whole
    }
  }

  /// All up to so many deltas.
  private static func beginning(_ parts: [StreamPart], _ deltas: Int) -> [StreamPart] {
    var left = deltas
    var kept: [StreamPart] = []
    for part in parts {
      if part.kind == .closing { break }
      if part.kind == .delta {
        guard left > 0 else { break }
        left -= 1
      }
      kept.append(part)
    }
    return kept
  }

  private static func insert(_ bytes: [[UInt8]], into parts: inout [StreamPart]) {
    let place = parts.firstIndex { $0.kind == .delta }.map { $0 + 1 } ?? parts.count
    parts.insert(contentsOf: bytes.map { StreamPart(.ping, $0) }, at: place)
  }

  private static func swapDeltas(_ parts: inout [StreamPart]) {
    let places = parts.indices.filter { parts[$0].kind == .delta }
    guard places.count > 1 else { return }
    parts.swapAt(places[0], places[1])
  }

  private static func ping(_ dialect: Dialect) -> [UInt8] {
    Array((dialect.isAnthropic ? "event: ping\ndata: {\"type\":\"ping\"}\n\n" : ": ping\n\n").utf8)
  }

  private static func strangers(_ dialect: Dialect) -> [[UInt8]] {
    var texts = [": a comment\n\n", "id: 7\nretry: 10\n\n"]
    if dialect != .chat {
      texts.append("event: telepathy\ndata: {\"type\":\"telepathy\",\"thought\":1}\n\n")
    }
    return texts.map { Array($0.utf8) }
  }

  private static func errorEvent(_ dialect: Dialect, isOverload: Bool) -> [UInt8] {
    let text =
      switch dialect {
      case .messages:
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\""
          + (isOverload ? "overloaded_error" : "api_error")
          + "\",\"message\":\"" + (isOverload ? "Overloaded" : "Internal server error")
          + "\"}}\n\n"
      case .chat:
        "data: {\"error\":{\"message\":\"The server had an error while processing your request.\","
          + "\"type\":\"server_error\",\"param\":null,\"code\":\""
          + (isOverload ? "server_is_overloaded" : "server_error") + "\"}}\n\n"
      case .responses:
        "event: error\ndata: {\"type\":\"error\",\"code\":\""
          + (isOverload ? "server_is_overloaded" : "server_error")
          + "\",\"message\":\"The server had an error.\",\"param\":null,\"sequence_number\":99}\n\n"
      }
    return Array(text.utf8)
  }
}

/// A line that does not end when anybody would expect it.
enum LongLine {
  private static let pieceCount = 64 << 10

  static func send(_ count: Int, to connection: HTTPConnection) {
    var left = count
    connection.write(HTTPAnswer.chunk(Array("data: {\"text\":\"".utf8)))
    connection.write(
      from: {
        guard left > 0 else { return nil }
        let size = min(left, pieceCount)
        left -= size
        return HTTPAnswer.chunk([UInt8](repeating: UInt8(ascii: "a"), count: size))
      }, then: { connection.closeWhenDrained() })
  }
}
