import SimulatorModel

/// The one file of a multipart/form-data upload, with its purpose.
struct MultipartFile {
  var name = "upload"
  var purpose = ""
  var bytes: [UInt8] = []

  static func read(_ request: HTTPRequest) throws(ProviderError) -> MultipartFile {
    guard let type = request.header("content-type"), let boundary = boundary(in: type) else {
      throw ProviderError(400, "invalid_request_error", "Expected multipart/form-data.")
    }
    var upload = MultipartFile()
    var hasFile = false
    for part in parts(request.body, boundary) {
      guard let end = firstIndex(of: Array("\r\n\r\n".utf8), in: part) else { continue }
      let head = String(decoding: part[..<end], as: UTF8.self)
      let content = Array(part[(end + 4)...])
      switch quoted("name", in: head) {
      case "purpose": upload.purpose = String(decoding: content, as: UTF8.self)
      case "file":
        upload.bytes = content
        upload.name = quoted("filename", in: head) ?? upload.name
        hasFile = true
      default: break
      }
    }
    guard hasFile else {
      throw ProviderError(400, "invalid_request_error", "'file' is required", param: "file")
    }
    return upload
  }

  private static func boundary(in type: String) -> String? {
    for piece in type.split(separator: ";") {
      let word = piece.drop { $0 == " " }
      guard word.hasPrefix("boundary=") else { continue }
      return String(word.dropFirst(9)).filter { $0 != "\"" }
    }
    return nil
  }

  /// ` name="file"` within a head; `filename="…"` does not count as `name`.
  private static func quoted(_ key: String, in head: String) -> String? {
    for piece in head.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
      let word = piece.drop { $0 == " " }
      guard word.hasPrefix("\(key)=\""), word.hasSuffix("\"") else { continue }
      return String(word.dropFirst(key.count + 2).dropLast())
    }
    return nil
  }

  /// What stands between the boundaries, each without the line ends around it.
  private static func parts(_ body: [UInt8], _ boundary: String) -> [ArraySlice<UInt8>] {
    let mark = Array("--\(boundary)".utf8)
    var found: [ArraySlice<UInt8>] = []
    var rest = body[...]
    var start: Int?
    while let place = firstIndex(of: mark, in: rest) {
      if let start, place >= start + 2 { found.append(body[start..<(place - 2)]) }
      start = min(place + mark.count + 2, body.count)
      rest = body[(place + mark.count)...]
    }
    return found
  }

  private static func firstIndex(of mark: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = mark.first, bytes.count >= mark.count else { return nil }
    for index in bytes.startIndex...(bytes.endIndex - mark.count)
    where bytes[index] == first && bytes[index..<(index + mark.count)].elementsEqual(mark) {
      return index
    }
    return nil
  }
}
