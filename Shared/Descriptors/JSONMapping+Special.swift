import JSON

// The well-known types that JSON writes in a form of their own.
extension JSONMapping {
  func encode(
    _ json: JSONValue, as type: SpecialType, at path: JSONPath
  ) throws(MappingError) -> [UInt8] {
    switch type {
    case .any: return try encodeAny(json, at: path)
    case .timestamp:
      guard let text = json.stringValue else { throw wrongKind("an RFC 3339 time", at: path) }
      guard let time = TimeText.timestamp(text) else {
        throw MappingError(
          .invalidTime, at: path.text, "not an RFC 3339 time, such as 2030-01-31T12:00:00Z")
      }
      return secondsAndNanos(time.seconds, time.nanos)
    case .duration:
      guard let text = json.stringValue else { throw wrongKind("a duration", at: path) }
      guard let span = TimeText.duration(text) else {
        throw MappingError(.invalidTime, at: path.text, "not a duration, such as 1.5s")
      }
      return secondsAndNanos(span.seconds, span.nanos)
    }
  }

  func decode(
    _ bytes: ArraySlice<UInt8>, as type: SpecialType, at path: JSONPath
  ) throws(MappingError) -> JSONValue {
    if type == .any { return try decodeAny(bytes, at: path) }
    var seconds: Int64 = 0
    var nanos: Int32 = 0
    try each(bytes, at: path) { field in
      guard case .varint(let value) = field.value else { return }
      if field.number == 1 { seconds = Int64(bitPattern: value) }
      if field.number == 2 { nanos = Int32(truncatingIfNeeded: value) }
    }
    let text =
      type == .timestamp
      ? TimeText.timestamp(seconds: seconds, nanos: nanos)
      : TimeText.duration(seconds: seconds, nanos: nanos)
    // Out of range it has no text; the fields still say what came.
    return text.map { .string($0) }
      ?? ["seconds": .string(String(seconds)), "nanos": .number(Int(nanos))]
  }

  private func secondsAndNanos(_ seconds: Int64, _ nanos: Int32) -> [UInt8] {
    var writer = WireWriter()
    if seconds != 0 { writer.field(1, varint: UInt64(bitPattern: seconds)) }
    if nanos != 0 { writer.field(2, varint: UInt64(bitPattern: Int64(nanos))) }
    return writer.bytes
  }

  private func encodeAny(_ json: JSONValue, at path: JSONPath) throws(MappingError) -> [UInt8] {
    guard let object = json.objectValue else { throw wrongKind("an object", at: path) }
    if object.isEmpty { return [] }
    guard let url = object["@type"]?.stringValue else {
      throw wrongKind("the type's name", at: path.member("@type"))
    }
    var writer = WireWriter()
    writer.field(1, url)
    writer.field(2, bytes: try anyValue(object, url: url, at: path))
    return writer.bytes
  }

  private func anyValue(
    _ object: JSONObject, url: String, at path: JSONPath
  ) throws(MappingError) -> [UInt8] {
    let place = path.member("value")
    guard let message = schema.message(typeName(url)) else {
      let isPlain = object.allSatisfy { $0.key == "@type" || $0.key == "value" }
      guard isPlain, let bytes = Base64.bytes(object["value"]?.stringValue ?? "") else {
        throw MappingError(
          .invalidBase64, at: place.text,
          "the descriptors do not know \(typeName(url)): give its bytes as base64")
      }
      return bytes
    }
    guard SpecialType(rawValue: message.fullName) != nil else {
      return try encode(object, as: message, ignoring: "@type", at: path.entered())
    }
    return try encode(object["value"] ?? .null, as: message, at: place)
  }

  private func decodeAny(
    _ bytes: ArraySlice<UInt8>, at path: JSONPath
  ) throws(MappingError) -> JSONValue {
    var url = ""
    var value: ArraySlice<UInt8> = []
    try each(bytes, at: path) { field in
      guard case .bytes(let bytes) = field.value else { return }
      if field.number == 1 { url = String(decoding: bytes, as: UTF8.self) }
      if field.number == 2 { value = bytes }
    }
    if url.isEmpty && value.isEmpty { return .object(JSONObject()) }
    var object: JSONObject = ["@type": .string(url)]
    guard let message = schema.message(typeName(url)) else {
      object["value"] = .string(Base64.text(value))
      return .object(object)
    }
    guard SpecialType(rawValue: message.fullName) == nil else {
      object["value"] = try decode(value, as: message, at: path.member("value"))
      return .object(object)
    }
    for (name, item) in try decodeFields(value, of: message, at: path.entered()) {
      object[name] = item
    }
    return .object(object)
  }

  private func typeName(_ url: String) -> String {
    url.split(separator: "/").last.map(String.init) ?? ""
  }

  private func each(
    _ bytes: ArraySlice<UInt8>, at path: JSONPath, _ body: (WireField) -> Void
  ) throws(MappingError) {
    var reader = WireReader(bytes)
    do {
      while let field = try reader.next() { body(field) }
    } catch {
      throw MappingError(.malformed, at: path.text, error.message)
    }
  }
}
