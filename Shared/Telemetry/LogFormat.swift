import JSON

/// How a record looks.
package enum LogFormat: Equatable, Sendable {
  /// One JSON object per line, for machines.
  case json
  /// Aligned words, for a person at a terminal.
  case pretty(colour: Bool)

  /// The line with its newline, behind what `buffer` holds.
  func line(
    _ record: LogRecord, at time: WallTime, limits: LogLimits, into buffer: consuming [UInt8]
  ) -> [UInt8] {
    switch self {
    case .json: Self.json(record, time, limits, buffer)
    case .pretty(let colour): Self.pretty(record, time, limits, colour, buffer)
    }
  }

  // MARK: - JSON

  /// Room that is kept for `,"truncated":true}` and the newline.
  private static let reserve = 24

  private static func json(
    _ record: LogRecord, _ time: WallTime, _ limits: LogLimits, _ buffer: consuming [UInt8]
  ) -> [UInt8] {
    let start = buffer.count
    var writer = JSONWriter(appendingTo: buffer)
    writer.beginObject()
    writer.key("time")
    writer.string(time.iso8601)
    writer.key("level")
    writer.string(record.level.name)
    writer.key("message")
    writer.string(cut(record.message.description, to: LogLimits.lineBytesMin / 4))
    for entry in record.fields.entries {
      let mark = writer.mark
      writer.key(entry.field.name)
      write(entry.value, limits, &writer)
      if writer.bytes.count - start > limits.lineBytesMax - reserve {
        writer.undo(to: mark)
        writer.key("truncated")
        writer.bool(true)
        break
      }
    }
    writer.endObject()
    writer.raw(0x0A)
    return writer.bytes
  }

  private static func write(_ value: LogValue, _ limits: LogLimits, _ writer: inout JSONWriter) {
    switch value {
    case .string(let text): writer.string(cut(text, to: limits.valueBytesMax))
    case .int(let value): writer.int(value)
    case .double(let value): writer.double(value)
    case .bool(let value): writer.bool(value)
    }
  }

  /// At most `limit` bytes of `text`, cut between characters and marked.
  static func cut(_ text: String, to limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: max(0, limit))
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "…"
  }

  // MARK: - For a terminal

  private static func pretty(
    _ record: LogRecord, _ time: WallTime, _ limits: LogLimits, _ colour: Bool,
    _ buffer: consuming [UInt8]
  ) -> [UInt8] {
    let start = buffer.count
    var line = buffer
    line += time.timeOfDayBytes
    line.append(0x20)
    let name = record.level.name
    line += mark(record.level, colour).utf8
    line += (name + String(repeating: " ", count: 8 - name.utf8.count)).utf8
    if colour { line += "\u{1B}[0m".utf8 }
    line += visible(cut(record.message.description, to: LogLimits.lineBytesMin / 4)).utf8
    for entry in record.fields.entries where entry.field != .service {
      let text = " \(entry.field.name)=\(visible(entry.value, limits))"
      guard line.count - start + text.utf8.count < limits.lineBytesMax - reserve else {
        line += " …".utf8
        break
      }
      line += text.utf8
    }
    line.append(0x0A)
    return line
  }

  private static func mark(_ level: LogLevel, _ colour: Bool) -> String {
    guard colour else { return "" }
    return switch level {
    case .debug: "\u{1B}[2m"
    case .info: "\u{1B}[32m"
    case .warning: "\u{1B}[33m"
    case .error: "\u{1B}[31m"
    }
  }

  private static func visible(_ value: LogValue, _ limits: LogLimits) -> String {
    switch value {
    case .string(let text):
      let shown = visible(cut(text, to: limits.valueBytesMax))
      return shown.isEmpty || shown.contains(" ") ? "\"\(shown)\"" : shown
    case .int(let value): return String(value)
    case .double(let value): return value.description
    case .bool(let value): return value ? "true" : "false"
    }
  }

  /// Text in which no character can move the cursor or change the colour.
  private static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var shown = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
  }
}
