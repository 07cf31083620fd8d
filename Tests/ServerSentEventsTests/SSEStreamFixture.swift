import ServerSentEvents
import TestSupport

/// A block as plain values.
struct PlainBlock: Equatable {
  var type = "message"
  var data: [UInt8]?
  var id: String?
  var retry: Int?

  init() {}

  init(_ event: SSEEvent) {
    type = event.type
    data = event.data
    id = event.id
    retry = event.retryMilliseconds
  }
}

/// All that comes out of one stream, however it was cut.
struct ReadStream: Equatable {
  var blocks: [PlainBlock] = []
  var raws: [[UInt8]] = []
  var unfinished: [UInt8] = []
  var lastEventID = ""
  var error: SSEError?

  /// Feeds pieces of the sizes that `size` gives, then the end.
  init(_ stream: [UInt8], limits: SSELimits = SSELimits(), _ size: () -> Int = { .max }) {
    var reader = SSEReader(limits: limits)
    var place = 0
    do throws(SSEError) {
      while place < stream.count {
        let end = place + min(size(), stream.count - place)
        take(try reader.feed(unsafe stream.span.bytes.extracting(place..<end)))
        place = end
      }
      take(try reader.finish())
      unfinished = reader.unfinished
    } catch {
      self.error = error
    }
    lastEventID = reader.lastEventID
  }

  private mutating func take(_ events: SSEEvents) {
    blocks += events.map(PlainBlock.init)
    raws += events.map(\.raw)
  }

  /// The same by the letter of the standard, written so that it can be seen to be right: without
  /// limits, and of the whole stream at once.
  static func plainly(_ stream: [UInt8]) -> (blocks: [PlainBlock], lastEventID: String) {
    var rest = stream.starts(with: [0xEF, 0xBB, 0xBF]) ? stream[3...] : stream[...]
    var (blocks, block, lastID): ([PlainBlock], PlainBlock, String) = ([], PlainBlock(), "")
    while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
      let line = Array(rest[rest.startIndex..<end])
      let isPair = rest[end] == 0x0D && end + 1 < rest.endIndex && rest[end + 1] == 0x0A
      rest = rest[(end + (isPair ? 2 : 1))...]
      if line.isEmpty {
        lastID = block.id ?? lastID
        blocks.append(block)
        block = PlainBlock()
        continue
      }
      let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
      let name = String(decoding: line[..<colon], as: UTF8.self)
      var value = line.dropFirst(colon + 1)
      if value.first == 0x20 { value = value.dropFirst() }
      let text = String(decoding: value, as: UTF8.self)
      switch name {
      case "data": block.data = block.data.map { $0 + [0x0A] + value } ?? Array(value)
      case "event": block.type = text.isEmpty ? "message" : text
      case "id" where !value.contains(0): block.id = text
      case "retry" where !value.isEmpty && value.allSatisfy { (0x30...0x39).contains($0) }:
        block.retry = Int(text) ?? .max
      default: break
      }
    }
    return (blocks, lastID)
  }
}

extension SeededRandom {
  private static let pieces = [
    "data:", "data: ", "data", "event: x", "event", "event:", "id: 7", "id", "id: a\0b",
    "retry: 10", "retry: 1x", "retry:", "retry: 99999999999999999999", ":", ": hi", "da", "é", "€",
    " ", "x", "{\"a\":1}", "\u{FEFF}", "\0", "dataa: 1", "Data: 1", "other: y",
  ]
  private static let ends = ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r", "\n\r\n"]

  /// Bytes that look like an event stream; half of the time with one kind of line end.
  mutating func eventStream() -> [UInt8] {
    let kind = Int.random(in: 0..<6, using: &self)
    let ends = kind < 3 ? [Self.ends[kind], Self.ends[kind + 3]] : Self.ends
    var stream = Bool.random(using: &self) ? [] : Array("\u{FEFF}".utf8)
    for _ in 0..<Int.random(in: 0...14, using: &self) {
      for _ in 0..<Int.random(in: 1...2, using: &self) {
        stream += Array((Self.pieces.randomElement(using: &self) ?? "").utf8)
      }
      stream += Array((ends.randomElement(using: &self) ?? "").utf8)
    }
    return stream
  }
}
