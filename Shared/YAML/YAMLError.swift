/// Why bytes are not the YAML they should be, and where. Holds no value of the document; a key
/// that is there twice is named.
package struct YAMLError: Error, Equatable, Sendable {
  /// What is wrong.
  package enum Code: Equatable, Sendable {
    /// Not YAML; the words are libyaml's.
    case syntax(String)
    case duplicateKey(String)
    case keyIsNotScalar
    case unknownAlias
    /// An alias stands inside the node it names.
    case aliasInsideItself
    case mergeNeedsMapping
    case secondDocument
    case tooManyBytes(limit: Int)
    case tooDeep(limit: Int)
    case tooManyNodes(limit: Int)
  }

  package let code: Code
  package let file: String
  package let mark: YAMLMark

  init(_ code: Code, file: String, mark: YAMLMark) {
    self.code = code
    self.file = file
    self.mark = mark
  }
}

extension YAMLError: CustomStringConvertible {
  package var description: String {
    "\(file.isEmpty ? "yaml" : file):\(mark.line):\(mark.column): \(code.sentence)"
  }
}

extension YAMLError.Code {
  package var sentence: String {
    switch self {
    case .syntax(let words): words
    case .duplicateKey(let key): "'\(key)' is already in this mapping"
    case .keyIsNotScalar: "a key must be a plain value"
    case .unknownAlias: "no anchor of this name stands above"
    case .aliasInsideItself: "this alias stands inside the node it names"
    case .mergeNeedsMapping: "'<<' takes a mapping or a list of mappings"
    case .secondDocument: "only one document is read"
    case .tooManyBytes(let limit): "longer than \(limit) bytes (bytesMax)"
    case .tooDeep(let limit): "nested deeper than \(limit) (depthMax)"
    case .tooManyNodes(let limit): "more than \(limit) nodes, aliases counted (nodesMax)"
    }
  }
}
