import Faults
import GatewayBatches

/// A form as `multipart/form-data`: its texts, and its one file.
struct MultipartForm: Sendable {
  struct File: Sendable {
    let name: String
    let bytes: [UInt8]
  }

  private static let partsMax = 16
  private static let boundaryBytesMax = 200
  private static let headBytesMax = 8 << 10
  private static let textBytesMax = 4 << 10

  private(set) var texts: [String: String] = [:]
  private(set) var file: File?

  init(_ body: [UInt8], type: String) throws(Fault) {
    guard let boundary = Self.boundary(in: type) else {
      throw Self.bad("Expected multipart/form-data with a boundary.")
    }
    // The first boundary has no line end before it.
    let mark = Array("\r\n--\(boundary)".utf8)
    guard body.starts(with: mark.dropFirst(2)) else {
      throw Self.bad("The form does not begin with its boundary.")
    }
    var start = mark.count - 2
    for _ in 0..<Self.partsMax {
      if body[start...].starts(with: "--".utf8) { return }
      guard body[start...].starts(with: "\r\n".utf8),
        let end = Self.place(of: mark, in: body[...], from: start)
      else { throw Self.bad("The form ends before its last boundary.") }
      try take(body[(start + 2)..<end])
      start = end + mark.count
    }
    throw Self.bad("The form has more than \(Self.partsMax) parts (partsMax).")
  }

  private mutating func take(_ part: ArraySlice<UInt8>) throws(Fault) {
    let ahead = part.prefix(Self.headBytesMax)
    guard let end = Self.place(of: Array("\r\n\r\n".utf8), in: part, from: part.startIndex),
      end <= ahead.endIndex
    else { throw Self.bad("A part of the form has no head.") }
    let head = String(decoding: part[..<end], as: UTF8.self)
    let content = part[(end + 4)...]
    guard let name = Self.quoted("name", in: head) else { return }
    if name == "file" {
      guard file == nil else { throw Self.bad("The form has more than one file.") }
      file = File(name: Self.quoted("filename", in: head) ?? "upload", bytes: Array(content))
    } else {
      guard content.count <= Self.textBytesMax else {
        throw Self.bad("\(name): longer than \(Self.textBytesMax) bytes (textBytesMax).")
      }
      texts[name] = String(decoding: content, as: UTF8.self)
    }
  }

  private static func bad(_ why: String) -> Fault { BatchReading.bad("", why) }

  private static func boundary(in type: String) -> String? {
    let parts = type.split(separator: ";")
    guard parts.first?.lowercased() == "multipart/form-data" else { return nil }
    for part in parts.dropFirst() {
      let word = part.drop { $0 == " " }
      guard word.lowercased().hasPrefix("boundary=") else { continue }
      let text = word.dropFirst("boundary=".count).filter { $0 != "\"" }
      return (1...boundaryBytesMax).contains(text.utf8.count) ? text : nil
    }
    return nil
  }

  /// `name="…"` within a head; `filename="…"` does not count as `name`.
  private static func quoted(_ key: String, in head: String) -> String? {
    for piece in head.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
      let word = piece.drop { $0 == " " }
      guard word.hasPrefix("\(key)=\""), word.hasSuffix("\""),
        word.utf8.count >= key.utf8.count + 3
      else { continue }
      return String(word.dropFirst(key.count + 2).dropLast())
    }
    return nil
  }

  private static func place(
    of mark: [UInt8], in bytes: ArraySlice<UInt8>, from start: Int
  ) -> Int? {
    var from = start
    while let index = bytes[from...].firstIndex(of: mark[0]) {
      if bytes[index...].starts(with: mark) { return index }
      from = index + 1
    }
    return nil
  }
}
