import JSON
import StoreContract

/// Rows as bytes of one format. CSV is RFC 4180's: a header, CRLF, quotes doubled; lists and
/// objects stand in it as JSON. JSON Lines has an object a line, without what is absent.
struct ExportWriter {
  let format: ExportRequest.Format
  private(set) var bytes: [UInt8] = []

  init(_ format: ExportRequest.Format) {
    self.format = format
  }

  /// What stands before the first row.
  mutating func begin() {
    guard format == .csv else { return }
    for (index, column) in ExportRow.columns.enumerated() { cell(column.utf8, at: index) }
    endLine()
  }

  mutating func write(_ row: ExportRow) {
    if format == .csv { writeCSV(row) } else { writeLine(row) }
  }

  /// What was written since this was asked last.
  mutating func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  // MARK: - CSV

  private mutating func writeCSV(_ row: ExportRow) {
    for (index, field) in row.fields.enumerated() {
      switch field {
      case .absent: cell("".utf8, at: index)
      case .text(let text): cell(text.utf8, at: index)
      case .int(let number): cell(String(number).utf8, at: index)
      case .truth(let truth): cell((truth ? "true" : "false").utf8, at: index)
      case .number, .texts, .json:
        var writer = JSONWriter()
        writer.field(field)
        cell(writer.bytes, at: index)
      }
    }
    endLine()
  }

  private mutating func endLine() { bytes += [0x0D, 0x0A] }

  private mutating func cell(_ text: some Collection<UInt8>, at index: Int) {
    if index > 0 { bytes.append(UInt8(ascii: ",")) }
    let needsQuotes = text.contains { byte in
      byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0D || byte == 0x0A
    }
    guard needsQuotes else {
      bytes += text
      return
    }
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  // MARK: - JSON Lines

  private mutating func writeLine(_ row: ExportRow) {
    var writer = JSONWriter(appendingTo: take())
    writer.beginObject()
    for (column, field) in zip(ExportRow.columns, row.fields) {
      if case .absent = field { continue }
      writer.key(column)
      writer.field(field)
    }
    writer.endObject()
    writer.raw(0x0A)
    bytes = writer.bytes
  }
}

extension JSONWriter {
  fileprivate mutating func field(_ field: ExportRow.Field) {
    switch field {
    case .absent: null()
    case .text(let text): string(text)
    case .int(let number): int(number)
    case .number(let number): double(number)
    case .truth(let truth): bool(truth)
    case .texts(let texts):
      beginArray()
      for text in texts { string(text) }
      endArray()
    case .json(let bytes):
      // Written anew, so that it takes one line whatever it looked like.
      if let value = try? JSONValue(parsing: bytes) { self.value(value) } else { null() }
    }
  }
}
