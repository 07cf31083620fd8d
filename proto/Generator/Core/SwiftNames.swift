import Descriptors

/// Where each message and enum lives in Swift, and what it is called there.
struct SwiftNames {
  /// `BadRequest.FieldViolation` by `google.rpc.BadRequest.FieldViolation`.
  private var paths: [String: String] = [:]
  private var modules: [String: String] = [:]

  init(_ request: GenerationRequest) throws {
    var owners: [String: String] = [:]
    for file in request.schema.files {
      let module = request.options.moduleOfFile[file.name] ?? ""
      for name in Self.topLevel(file) {
        let key = "\(module).\(name.swift)"
        if let other = owners.updateValue(name.full, forKey: key), !module.isEmpty {
          throw GenerationError(
            "\(other) and \(name.full) are both \(name.swift) in \(module): "
              + "give one file a swift_prefix")
        }
      }
      for message in file.messages { add(message, in: file.swiftPrefix, module: module) }
      for value in file.enums {
        paths[value.fullName] = file.swiftPrefix + value.name
        modules[value.fullName] = module
      }
    }
  }

  private static func topLevel(_ file: FileSchema) -> [(swift: String, full: String)] {
    file.messages.map { (file.swiftPrefix + $0.name, $0.fullName) }
      + file.enums.map { (file.swiftPrefix + $0.name, $0.fullName) }
  }

  private mutating func add(_ message: MessageSchema, in path: String, module: String) {
    let own = path + message.name
    paths[message.fullName] = own
    modules[message.fullName] = module
    for inner in message.messages { add(inner, in: "\(own).", module: module) }
    for value in message.enums {
      paths[value.fullName] = "\(own).\(value.name)"
      modules[value.fullName] = module
    }
  }

  /// The type's name with the types around it.
  func path(_ fullName: String) throws -> String {
    guard let path = paths[fullName] else { throw GenerationError("\(fullName) is unknown") }
    return path
  }

  /// The module that has the type.
  func module(_ fullName: String) throws -> String {
    guard let module = modules[fullName], !module.isEmpty else {
      throw GenerationError("no module is named for \(fullName): add its file to generate.sh")
    }
    return module
  }
}

extension SwiftNames {
  /// `responseSize` for the field `response_size`; words of Swift are escaped.
  static func property(_ name: String) -> String { escaped(lowerCamel(name)) }

  /// The name of a generated file or namespace: `ErrorDetails` for `error_details`.
  static func upperCamel(_ name: String) -> String {
    let camel = JSONNames.camelCase(name)
    return camel.prefix(1).uppercased() + camel.dropFirst()
  }

  /// `commit` for the method `Commit`, `rpcDo` for `RPCDo`.
  static func lowerCamel(_ name: String) -> String {
    let camel = JSONNames.camelCase(name.drop { $0 == "_" }.description)
    let capitals = camel.prefix { $0.isUppercase }.count
    let lowered = capitals > 1 && capitals < camel.count ? capitals - 1 : capitals
    return camel.prefix(lowered).lowercased() + camel.dropFirst(lowered)
  }

  /// `deepBlue` for the value `SHADE_DEEP_BLUE` of the enum `Shade`.
  static func enumCase(_ value: String, of type: String) -> String {
    var name = value
    let prefix = screaming(type) + "_"
    if name.hasPrefix(prefix), name.dropFirst(prefix.count).first?.isLetter == true {
      name = String(name.dropFirst(prefix.count))
    }
    let camel = JSONNames.camelCase(name.lowercased())
    return ["none", "some", "unrecognized"].contains(camel) ? "\(camel)_" : escaped(camel)
  }

  private static func screaming(_ type: String) -> String {
    var result = ""
    var wasLower = false
    for character in type {
      if character.isUppercase, wasLower { result += "_" }
      wasLower = !character.isUppercase
      result += character.uppercased()
    }
    return result
  }

  static func escaped(_ name: String) -> String {
    if ["self", "init", "Type", "Self"].contains(name) { return "\(name)_" }
    return keywords.contains(name) ? "`\(name)`" : name
  }

  private static let keywords: Set<String> = [
    "any", "as", "associatedtype", "await", "break", "case", "catch", "class", "continue",
    "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false",
    "fileprivate", "for", "func", "guard", "if", "import", "in", "inout", "internal", "is", "let",
    "nil", "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
    "return", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
    "try", "typealias", "var", "where", "while",
  ]
}
