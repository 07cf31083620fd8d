import Descriptors

/// protoc's CodeGeneratorResponse.
struct GenerationResponse {
  let files: [GeneratedFile]

  /// proto3's `optional`: the one feature a plugin must say it knows.
  private static let supportedFeatures: UInt64 = 1

  func packed() -> [UInt8] {
    var writer = WireWriter()
    writer.field(2, varint: Self.supportedFeatures)
    for file in files {
      var inner = WireWriter()
      inner.field(1, file.name)
      inner.field(15, file.content)
      writer.field(15, bytes: inner.bytes)
    }
    return writer.bytes
  }

  /// A response that only says what went wrong.
  static func failure(_ message: String) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, message)
    writer.field(2, varint: supportedFeatures)
    return writer.bytes
  }

  /// The files of another plugin's response.
  static func files(of bytes: [UInt8]) throws -> [GeneratedFile] {
    var files: [GeneratedFile] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let message)):
        throw GenerationError("protoc-gen-c: \(String(decoding: message, as: UTF8.self))")
      case (15, .bytes(let value)): files.append(try file(value))
      default: break
      }
    }
    return files
  }

  private static func file(_ bytes: ArraySlice<UInt8>) throws -> GeneratedFile {
    var name = ""
    var content = ""
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let value)): name = String(decoding: value, as: UTF8.self)
      case (15, .bytes(let value)): content = String(decoding: value, as: UTF8.self)
      default: break
      }
    }
    return GeneratedFile(name: name, content: content)
  }
}
