// ServerSentEvents: event streams as WHATWG's HTML writes them, read as they arrive and written as
// bytes. The reader is a value without I/O or clock: bytes go in, cut anywhere, and the same events
// come out; each keeps the bytes it came in, so that a proxy passes on what it has not read. It
// never reconnects, decodes no text before it is asked to, and never joins what it can point at.
// Limits: `SSELimits`.

/// The blocks of a stream that one feed has completed, in their order, over the bytes they share.
///
/// A block ends at a blank line. One without data is no event to a browser (a comment, a sign of
/// life, an id alone), but is passed on like any other. All blocks' bytes, in their order, are the
/// stream to the byte.
package struct SSEEvents: Sendable {
  let bytes: [UInt8]
  let blocks: [SSEBlock]

  static let none = SSEEvents(bytes: [], blocks: [])
}

extension SSEEvents: RandomAccessCollection {
  package var startIndex: Int { 0 }
  package var endIndex: Int { blocks.count }
  package subscript(position: Int) -> SSEEvent {
    SSEEvent(bytes: bytes, block: blocks[position])
  }
}

/// Where in the shared bytes the parts of a block stand.
struct SSEBlock: Sendable {
  /// With the blank line and what came before the first field: nothing of the stream is lost.
  var raw = 0..<0
  /// The value of the first data line, and of the last.
  var firstData = 0..<0
  var lastData = 0..<0
  var dataCount = 0
  var type = 0..<0
  /// Of the last usable id line.
  var id: Range<Int>?
  var retryMilliseconds: Int?

  /// Follows its bytes when those before them go.
  mutating func move(by distance: Int) {
    func moved(_ range: Range<Int>) -> Range<Int> {
      range.lowerBound + distance..<range.upperBound + distance
    }
    raw = moved(raw)
    // What is not there yet stays at 0.
    if dataCount > 0 {
      firstData = moved(firstData)
      lastData = moved(lastData)
    }
    if !type.isEmpty { type = moved(type) }
    id = id.map(moved)
  }
}

/// One block of an event stream.
package struct SSEEvent: Sendable {
  let bytes: [UInt8]
  let block: SSEBlock

  /// Whether a browser would hand it to its page: there was a data line.
  package var hasData: Bool { block.dataCount > 0 }

  /// Lends the block as it came, its blank line included.
  package func withRaw<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    try body(unsafe bytes.span.bytes.extracting(block.raw))
  }

  /// A copy of the block as it came.
  package var raw: [UInt8] { Array(bytes[block.raw]) }

  /// The data lines' values, a line feed between any two; nil when there was none.
  package var data: [UInt8]? {
    guard hasData else { return nil }
    return withData { data in unsafe data.withUnsafeBytes { unsafe Array($0) } }
  }

  /// Lends the data; that of one line where it stands, of more lines as a copy.
  package func withData<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    if block.dataCount <= 1 { return try body(unsafe bytes.span.bytes.extracting(block.firstData)) }
    var joined: [UInt8] = []
    var place = block.firstData.lowerBound
    var value = block.firstData
    while true {
      joined.append(contentsOf: bytes[value])
      place = value.upperBound
      if place == block.lastData.upperBound { break }
      joined.append(0x0A)
      value = nextData(from: place)
    }
    return try body(unsafe joined.span.bytes)
  }

  /// The value of the next data line behind a line's end.
  private func nextData(from end: Int) -> Range<Int> {
    var place = end
    while true {
      while bytes[place] == 0x0A || bytes[place] == 0x0D { place += 1 }
      let line = place..<SSELine.end(from: place, in: bytes)
      let parts = SSELine.parts(of: line, in: bytes)
      if SSELine.field(parts.name, in: bytes) == .data { return parts.value }
      place = line.upperBound
    }
  }

  /// The event's type as it stands there; "message" is what it means when there is none.
  package var type: String {
    block.type.isEmpty ? "message" : String(decoding: bytes[block.type], as: UTF8.self)
  }

  /// Whether the type is this one, compared where it stands.
  package func isType(_ name: StaticString) -> Bool {
    name.withUTF8Buffer { wanted in
      guard !block.type.isEmpty else { return unsafe wanted.elementsEqual("message".utf8) }
      return unsafe wanted.elementsEqual(bytes[block.type])
    }
  }

  /// The id that this block sets; "" takes it back, nil leaves it as it was.
  package var id: String? { block.id.map { String(decoding: bytes[$0], as: UTF8.self) } }

  package var retryMilliseconds: Int? { block.retryMilliseconds }
}
