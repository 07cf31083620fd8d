import JSON

/// Writes a request's JSON in one pass, cut where media come between.
struct BodyWriter {
  private var writer = JSONWriter()
  /// Where media come between the bytes written, in ascending order.
  private var gaps: [(offset: Int, media: ModelCall.Media)] = []

  mutating func object(_ body: (inout BodyWriter) throws(RequestProblem) -> Void)
    throws(RequestProblem)
  {
    writer.beginObject()
    try body(&self)
    writer.endObject()
  }

  mutating func array(_ body: (inout BodyWriter) throws(RequestProblem) -> Void)
    throws(RequestProblem)
  {
    writer.beginArray()
    try body(&self)
    writer.endArray()
  }

  mutating func key(_ name: String) { writer.key(name) }
  mutating func string(_ text: String) { writer.string(text) }
  mutating func value(_ value: JSONValue) { writer.value(value) }

  mutating func member(_ name: String, _ text: String) {
    writer.key(name)
    writer.string(text)
  }

  mutating func member(_ name: String, _ value: JSONValue) {
    writer.key(name)
    writer.value(value)
  }

  mutating func member(_ name: String, _ count: Int64) {
    writer.key(name)
    writer.int(count)
  }

  mutating func member(_ name: String, _ flag: Bool) {
    writer.key(name)
    writer.bool(flag)
  }

  /// A string that is `prefix`, then the media's base64.
  mutating func member(_ name: String, _ prefix: String, base64 media: ModelCall.Media) {
    writer.key(name)
    writer.string(prefix)
    // Before its closing quote.
    gaps.append((writer.bytes.count - 1, media))
  }

  func finish() -> RequestBody {
    let bytes = writer.bytes
    var pieces: [RequestBody.Piece] = []
    var place = 0
    for gap in gaps {
      pieces.append(.bytes(Array(bytes[place..<gap.offset])))
      pieces.append(.base64(place: gap.media.place, byteCount: gap.media.byteCount))
      place = gap.offset
    }
    pieces.append(.bytes(place == 0 ? bytes : Array(bytes[place...])))
    return RequestBody(pieces: pieces)
  }
}
