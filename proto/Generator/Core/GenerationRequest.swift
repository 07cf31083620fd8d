package import Descriptors

/// protoc's CodeGeneratorRequest.
package struct GenerationRequest {
  package let options: GenerationOptions
  /// Every file to generate and every file that these import, imports first.
  package let schema: SchemaSet
  package let filesToGenerate: [FileSchema]
  /// All fields as they were read, for what is passed on.
  let fields: [WireField]

  package init(reading bytes: [UInt8]) throws {
    var names: [String] = []
    var files: [FileSchema] = []
    var parameter = ""
    var fields: [WireField] = []
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      fields.append(field)
      guard case .bytes(let value) = field.value else { continue }
      switch field.number {
      case 1: names.append(String(decoding: value, as: UTF8.self))
      case 2: parameter = String(decoding: value, as: UTF8.self)
      case 15: files.append(try FileSchema(reading: Array(value)))
      default: break
      }
    }
    let schema = try SchemaSet(files: files)
    filesToGenerate = try names.map { name in
      guard let file = schema.file(name) else {
        throw GenerationError("protoc asks for \(name) and does not describe it")
      }
      return file
    }
    options = try GenerationOptions(parameter)
    self.schema = schema
    self.fields = fields
  }
}

/// What proto/generate.sh tells the plugin: `mode=swift,module=M,wire=CM,stubs=full,at.x.proto=M`.
package struct GenerationOptions: Equatable {
  package enum Mode: String {
    case swift, c
  }

  package enum Stubs: String {
    /// Method descriptors only: the module does not see RPC's servers and channels.
    case methods
    case full
  }

  package var mode = Mode.swift
  package var stubs = Stubs.full
  /// The Swift module that is generated.
  package var module = ""
  /// Its C module.
  package var wire = ""
  /// The Swift module of each proto file.
  package var moduleOfFile: [String: String] = [:]

  package init(_ parameter: String) throws {
    for part in parameter.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2 else { throw GenerationError("the option \(part) has no value") }
      switch pair[0] {
      case "mode": mode = try Self.known(pair[1])
      case "stubs": stubs = try Self.known(pair[1])
      case "module": module = pair[1]
      case "wire": wire = pair[1]
      case let key where key.hasPrefix("at."): moduleOfFile[String(key.dropFirst(3))] = pair[1]
      default: throw GenerationError("the option \(pair[0]) is unknown")
      }
    }
    guard !module.isEmpty, !wire.isEmpty else {
      throw GenerationError("the options module= and wire= are needed")
    }
  }

  private static func known<Value: RawRepresentable<String>>(_ text: String) throws -> Value {
    guard let value = Value(rawValue: text) else {
      throw GenerationError("the option value \(text) is unknown")
    }
    return value
  }
}
