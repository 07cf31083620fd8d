/// The module map of a wire target, naming each of its headers.
struct ModuleMap {
  let file: GeneratedFile

  init(_ module: String, headersOf files: [GeneratedFile]) {
    let prefix = "Wire/include/"
    let headers = files.map(\.name).filter { $0.hasPrefix(prefix) }.sorted()
      .map { "  header \"\($0.dropFirst(prefix.count))\"" }
    let content =
      "// \(Header.text)\nmodule \(module) {\n" + headers.joined(separator: "\n")
      + "\n  export *\n}\n"
    file = GeneratedFile(name: "\(prefix)module.modulemap", content: content)
  }
}
