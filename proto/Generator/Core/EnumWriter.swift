import Descriptors

/// An enum as a Swift enum that keeps numbers it does not know.
struct EnumWriter {
  private let file: FileSchema

  init(_ file: FileSchema) {
    self.file = file
  }

  func write(_ value: EnumSchema, named name: String, at path: [Int32], to text: inout SourceText) {
    var cases: [(name: String, number: Int32, original: String, comment: String?)] = []
    var aliases: [(name: String, target: String)] = []
    for (index, item) in value.values.enumerated() {
      let caseName = SwiftNames.enumCase(item.name, of: value.name)
      if let first = cases.first(where: { $0.number == item.number }) {
        if first.name != caseName { aliases.append((caseName, first.name)) }
      } else {
        cases.append(
          (caseName, item.number, item.name, file.comments[path + [2, Int32(index)]]))
      }
    }
    text.documentation(file.comments[path], or: "`\(value.fullName)`.")
    text.block("package enum \(name): Sendable, Hashable") { text in
      for item in cases {
        text.documentation(item.comment)
        text.line("case \(item.name)")
      }
      text.documentation("A number that the proto did not name when this was generated.")
      text.line("case unrecognized(Int32)")
      for alias in aliases {
        text.line()
        text.line("package static let \(alias.name) = Self.\(alias.target)")
      }
      text.line()
      text.documentation("The value of an absent field.")
      text.block("package init()") { $0.line("self = .\(cases[0].name)") }
      text.line()
      text.documentation("The case of this number.")
      text.block("package init(rawValue: Int32)") { text in
        text.line("switch rawValue {")
        for item in cases { text.line("case \(item.number): self = .\(item.name)") }
        text.line("default: self = .unrecognized(rawValue)")
        text.line("}")
      }
      text.line()
      text.documentation("The number on the wire.")
      text.block("package var rawValue: Int32") { text in
        text.line("switch self {")
        for item in cases { text.line("case .\(item.name): \(item.number)") }
        text.line("case .unrecognized(let number): number")
        text.line("}")
      }
      text.line()
      text.documentation("The name in the proto, or the number.")
      text.block("package var name: String") { text in
        text.line("switch self {")
        for item in cases { text.line("case .\(item.name): \"\(item.original)\"") }
        text.line("case .unrecognized(let number): String(number)")
        text.line("}")
      }
    }
  }
}
