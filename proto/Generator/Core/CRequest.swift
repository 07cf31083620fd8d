import Descriptors

/// The request as protoc-gen-c can take it.
///
/// Its 1.4.1 refuses proto3's `optional`, cuts strings at NUL, and would need our options file:
/// so `optional` becomes the one-field oneof that it is on the wire, every string field becomes
/// bytes, and the options and services are left out.
struct CRequest {
  private let request: GenerationRequest

  init(_ request: GenerationRequest) {
    self.request = request
  }

  func packed() throws -> [UInt8] {
    var writer = WireWriter()
    for field in request.fields {
      switch (field.number, field.value) {
      case (2, _): break  // our parameter, not protoc-gen-c's
      case (15, .bytes(let value)):
        let file = try FileSchema(reading: Array(value))
        if !OptionsImport.files.contains(file.name) {
          writer.field(15, bytes: try rewriteFile(value))
        }
      default: writer.field(field)
      }
    }
    return writer.bytes
  }

  private func rewriteFile(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    var writer = WireWriter()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (3, .bytes(let value)) where OptionsImport.isOne(value): break
      case (4, .bytes(let value)): writer.field(4, bytes: try rewriteMessage(value))
      case (6, _), (9, _): break  // services and comments
      case (10, _), (11, _): throw GenerationError("public and weak imports are refused")
      default: writer.field(field)
      }
    }
    // (pb_c_file).gen_pack_helpers: nested messages too can be packed on their own.
    writer.field(8, bytes: extensionBytes(flag: 2))
    return writer.bytes
  }

  private func rewriteMessage(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    var writer = WireWriter()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let value)): writer.field(2, bytes: try rewriteField(value))
      case (3, .bytes(let value)): writer.field(3, bytes: try rewriteMessage(value))
      default: writer.field(field)
      }
    }
    return writer.bytes
  }

  private func rewriteField(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
    var writer = WireWriter()
    var reader = WireReader(bytes)
    var isString = false
    while let field = try reader.next() {
      if field.number == 17 { continue }
      if field.number == 5, field.value == .varint(FieldSchema.Kind.string.rawValue) {
        isString = true
      }
      writer.field(field)
    }
    // (pb_c_field).string_as_bytes
    if isString { writer.field(8, bytes: extensionBytes(flag: 1)) }
    return writer.bytes
  }

  /// protobuf-c's own options, all at this number, with one flag set.
  private func extensionBytes(flag: Int32) -> [UInt8] {
    var inner = WireWriter()
    inner.field(flag, varint: 1)
    var outer = WireWriter()
    outer.field(1019, bytes: inner.bytes)
    return outer.bytes
  }
}

/// The files that only the compiler needs.
enum OptionsImport {
  static let files: Set<String> = [
    "assay/options/v1/options.proto", "google/protobuf/descriptor.proto",
  ]

  static func isOne(_ name: ArraySlice<UInt8>) -> Bool {
    files.contains(String(decoding: name, as: UTF8.self))
  }
}
