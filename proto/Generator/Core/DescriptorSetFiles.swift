import Descriptors

/// The descriptor set of a file with services, as a C array: Swift would take long to compile it.
///
/// It leaves out comments and the options file. The options themselves stay, as fields that a
/// reader without that file does not know.
struct DescriptorSetFiles {
  private let file: FileSchema
  private let request: GenerationRequest

  init(_ file: FileSchema, in request: GenerationRequest) {
    self.file = file
    self.request = request
  }

  func files() throws -> [GeneratedFile] {
    let stem = String(file.name.dropLast(".proto".count))
    let function = CNames.descriptorSet(file)
    let declaration = "const uint8_t *_Nonnull \(function)(size_t *_Nonnull count)"
    let header = """
      /* \(Header.text) */
      #pragma once
      #include <stddef.h>
      #include <stdint.h>

      /* A packed FileDescriptorSet: \(file.name) and all it imports. */
      \(declaration);

      """
    let source = """
      /* \(Header.text) */
      #include "\(stem).descriptor-set.h"

      static const uint8_t bytes[] = {
      \(rows(try set()))
      };

      \(declaration) {
        *count = sizeof bytes;
        return bytes;
      }

      """
    return [
      GeneratedFile(name: "Wire/include/\(stem).descriptor-set.h", content: header),
      GeneratedFile(name: "Wire/\(stem).descriptor-set.c", content: source),
    ]
  }

  private func rows(_ bytes: [UInt8]) -> String {
    stride(from: 0, to: bytes.count, by: 20).map { start in
      "  " + bytes[start..<min(start + 20, bytes.count)].map { "\($0)," }.joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// protoc gives imports before what imports them, and so does the set.
  private func set() throws -> [UInt8] {
    var needed: Set<String> = []
    var open = [file.name]
    while let name = open.popLast() {
      guard !OptionsImport.files.contains(name), needed.insert(name).inserted else { continue }
      open += request.schema.file(name)?.dependencies ?? []
    }
    var writer = WireWriter()
    for file in request.schema.files where needed.contains(file.name) {
      writer.field(1, bytes: try trimmed(file.bytes))
    }
    return writer.bytes
  }

  private func trimmed(_ bytes: [UInt8]) throws -> [UInt8] {
    var writer = WireWriter()
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (3, .bytes(let value)) where OptionsImport.isOne(value): break
      case (9, _): break
      default: writer.field(field)
      }
    }
    return writer.bytes
  }
}
