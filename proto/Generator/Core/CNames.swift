import Descriptors

/// Names as protoc-gen-c makes them.
enum CNames {
  /// `grpc.testing.SimpleRequest` as `Grpc__Testing__SimpleRequest`.
  static func type(_ fullName: String) -> String {
    fullName.split(separator: ".").map { camel($0) }.joined(separator: "__")
  }

  /// `grpc.testing.SimpleRequest` as `grpc__testing__simple_request`.
  static func function(_ fullName: String) -> String {
    fullName.split(separator: ".").map { snake($0) }.joined(separator: "__")
  }

  /// A struct's member for a field.
  static func member(_ field: FieldSchema) -> String {
    let name = field.name.lowercased()
    return keywords.contains(name) ? "\(name)_" : name
  }

  /// A struct's member that says which field of a oneof is there.
  static func caseMember(_ oneof: String) -> String { "\(snake(oneof[...]))_case" }

  /// The name of a file's descriptor set function.
  static func descriptorSet(_ file: FileSchema) -> String {
    "assay_" + file.name.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
      + "_descriptor_set"
  }

  private static func camel(_ name: Substring) -> String {
    var result = ""
    var raises = true
    for character in name {
      if character == "_" {
        raises = true
      } else {
        result += raises ? character.uppercased() : String(character)
        raises = false
      }
    }
    return result
  }

  private static func snake(_ name: Substring) -> String {
    var result = ""
    var wasUpper = true
    for character in name {
      if character.isUppercase, !wasUpper { result += "_" }
      result += character.lowercased()
      wasUpper = character.isUppercase
    }
    return result
  }

  private static let keywords: Set<String> = [
    "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "class", "compl", "const", "const_cast", "continue", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "not_eq",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "return", "short", "signed", "sizeof", "static", "static_cast", "struct", "switch",
    "template", "this", "throw", "true", "try", "typedef", "typeid", "typename", "union",
    "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
  ]
}
