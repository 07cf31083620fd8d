/// `${VAR}` and its relatives in the values of a compose file, as the Compose specification
/// has them: `$VAR`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}`, `${VAR?message}`,
/// `${VAR:+other}`, `${VAR+other}`, and `$$` for a dollar.
package struct Interpolation: Sendable {
  private let variables: [String: String]
  /// Names that had no value and no default, and became nothing.
  package private(set) var unsetNames: Set<String> = []
  /// Every name that was asked for, set or not.
  package private(set) var usedNames: Set<String> = []

  package init(variables: [String: String]) {
    self.variables = variables
  }

  /// Why a value cannot be expanded.
  package struct Failure: Error, Equatable, Sendable {
    package let message: String
    package let hint: String?
  }

  /// The text with every variable replaced.
  package mutating func expand(_ text: String) throws(Failure) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    return try expand(Substring(text), depth: 1)
  }

  private mutating func expand(_ text: Substring, depth: Int) throws(Failure) -> String {
    guard depth <= ComposeLimits.interpolationDepthMax else {
      throw Failure(
        message: "variables are nested deeper than \(ComposeLimits.interpolationDepthMax)",
        hint: nil)
    }
    var result = ""
    var rest = text
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "{" {
        let inner = try Self.braced(&rest)
        result += try value(ofBraced: inner, depth: depth)
      } else {
        let name = rest.prefix(while: Self.isNamePart)
        guard let first = name.first, !first.isNumber else { throw Self.loneDollar }
        rest = rest[name.endIndex...]
        result += value(of: String(name))
      }
      guard result.utf8.count <= ComposeLimits.interpolatedBytesMax else {
        throw Failure(
          message: "a value is longer than \(ComposeLimits.interpolatedBytesMax) bytes", hint: nil)
      }
    }
    return result + rest
  }

  private static let loneDollar = Failure(
    message: "a $ must be followed by a variable's name", hint: "write $$ for a dollar sign")

  /// What stands between `{` and its `}`; `rest` goes behind it.
  private static func braced(_ rest: inout Substring) throws(Failure) -> Substring {
    var open = 0
    var index = rest.startIndex
    while index < rest.endIndex {
      switch rest[index] {
      case "{": open += 1
      case "}":
        open -= 1
        if open == 0 {
          let inner = rest[rest.index(after: rest.startIndex)..<index]
          rest = rest[rest.index(after: index)...]
          return inner
        }
      default: break
      }
      index = rest.index(after: index)
    }
    throw Failure(message: "${ is never closed", hint: "write $$ for a dollar sign")
  }

  private mutating func value(ofBraced inner: Substring, depth: Int) throws(Failure) -> String {
    let name = inner.prefix(while: Self.isNamePart)
    guard let first = name.first, !first.isNumber else { throw Self.loneDollar }
    var rest = inner[name.endIndex...]
    if rest.isEmpty { return value(of: String(name)) }
    usedNames.insert(String(name))
    let emptyCounts = rest.first != ":"
    if !emptyCounts { rest = rest.dropFirst() }
    let known = variables[String(name)].flatMap { emptyCounts || !$0.isEmpty ? $0 : nil }
    switch rest.first {
    case "-":
      return if let known { known } else { try expand(rest.dropFirst(), depth: depth + 1) }
    case "+":
      return known == nil ? "" : try expand(rest.dropFirst(), depth: depth + 1)
    case "?":
      if let known { return known }
      let message = try expand(rest.dropFirst(), depth: depth + 1)
      throw Failure(
        message: "\(name) is not set" + (message.isEmpty ? "" : ": \(message)"),
        hint: "export \(name)=…")
    default:
      throw Failure(
        message: "${\(inner)} is not understood", hint: "${VAR}, ${VAR:-default}, ${VAR:?message}")
    }
  }

  private mutating func value(of name: String) -> String {
    usedNames.insert(name)
    if let value = variables[name] { return value }
    unsetNames.insert(name)
    return ""
  }

  private static func isNamePart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_")
  }
}
