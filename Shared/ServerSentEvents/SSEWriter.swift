/// Writes an event stream into bytes.
package struct SSEWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8]

  /// Continues behind `bytes`: hand in an emptied buffer to use its memory again.
  package init(appendingTo bytes: consuming [UInt8] = []) { self.bytes = bytes }

  /// Writes one event with its blank line; refuses, and writes nothing, when its type or id cannot
  /// stand in a line.
  ///
  /// Data with line ends becomes as many data lines: a reader gets line feeds, whatever they were.
  package mutating func event(
    _ data: RawSpan, type: String? = nil, id: String? = nil
  ) throws(SSEError) {
    let isWritable =
      type?.utf8.contains(where: Self.endsLine) != true
      && id?.utf8.contains { Self.endsLine($0) || $0 == 0 } != true
    guard isWritable else { throw .unwritable }
    if let type { line("event: ", type) }
    if let id { line("id: ", id) }
    lines("data: ", data)
    bytes.append(0x0A)
  }

  /// Writes one event with its blank line; refuses what `event(_:type:id:)` refuses.
  package mutating func event(
    _ data: String, type: String? = nil, id: String? = nil
  ) throws(SSEError) {
    try event(unsafe data.utf8Span.span.bytes, type: type, id: id)
  }

  /// Tells clients how long to wait before they connect again.
  package mutating func retry(milliseconds: UInt32) {
    line("retry: ", String(milliseconds))
    bytes.append(0x0A)
  }

  /// Writes what readers pass over: a sign of life.
  package mutating func comment(_ text: String) {
    lines(": ", unsafe text.utf8Span.span.bytes)
    bytes.append(0x0A)
  }

  /// Writes a block of another stream as it came.
  package mutating func pass(_ event: SSEEvent) {
    event.withRaw { raw in
      unsafe raw.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
  }

  private mutating func line(_ name: StaticString, _ value: String) {
    append(name)
    bytes.append(contentsOf: value.utf8)
    bytes.append(0x0A)
  }

  private mutating func lines(_ name: StaticString, _ text: RawSpan) {
    unsafe text.withUnsafeBytes { buffer in
      var start = 0
      while true {
        var end = start
        while end < buffer.count, unsafe !Self.endsLine(buffer[end]) { end += 1 }
        append(name)
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
        bytes.append(0x0A)
        guard end < buffer.count else { return }
        let isPair = unsafe end + 1 < buffer.count && buffer[end] == 0x0D && buffer[end + 1] == 0x0A
        start = end + (isPair ? 2 : 1)
      }
    }
  }

  private static func endsLine(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  private mutating func append(_ name: StaticString) {
    name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
  }
}
