import MeshAddressing
import YAML

/// A value as a source has it, not yet read.
enum SettingInput {
  /// From a flag or a variable.
  case text(String)
  case node(YAMLNode)
}

/// What is wrong with a value, as it reads behind the setting's name.
struct SettingRefusal: Error, Equatable {
  let words: String

  init(_ words: String) { self.words = words }
}

extension SettingKind {
  /// Reads a value and holds it to the kind's own bounds. Of a secret only the path is taken:
  /// its file is read later, and only when no other source stands above this one.
  func read(_ input: SettingInput) throws(SettingRefusal) -> SettingValue {
    switch self {
    case .list: return .list(try items(input))
    case .map: return .map(try pairs(input))
    case .string: return .string(try text(input))
    case .secretFile: return .string(try path(try text(input)))
    case .address:
      let text = try text(input)
      do throws(MeshAddressError) {
        _ = try MeshAddress(text)
      } catch {
        throw refusal(text, error.objection)
      }
      return .string(text)
    case .choice(let words):
      let text = try text(input)
      if words.contains(text) { return .string(text) }
      throw refusal(text, "none of \(words.joined(separator: ", "))")
    case .bool:
      let text = try text(input)
      guard let answer = Self.answers[text] else { throw refusal(text, "neither true nor false") }
      return .bool(answer)
    case .int(let range):
      let text = try text(input)
      guard let number = Int64(text) else { throw refusal(text, "not a whole number") }
      return .int(try within(range, number, text))
    case .duration(let range):
      let text = try text(input)
      guard let duration = Quantity.duration(text) else {
        throw refusal(text, "not a duration like 250ms, 5s or 1m30s")
      }
      return .duration(try within(range, duration, text))
    case .bytes(let range):
      let text = try text(input)
      guard let bytes = Quantity.bytes(text) else {
        throw refusal(text, "not a size like 4096, 64KiB or 2GB")
      }
      return .bytes(try within(range, bytes, text))
    }
  }

  private static let answers = [
    "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
  ]

  private func within<Bound>(
    _ range: ClosedRange<Bound>, _ value: Bound, _ text: String
  ) throws(SettingRefusal) -> Bound {
    guard !range.contains(value) else { return value }
    throw refusal(text, "not a \(hint)")
  }

  /// Quotes what was written, but not all of it: it may be long, and not for every eye.
  private func refusal(_ text: String, _ why: String) -> SettingRefusal {
    let shown = text.count > 64 ? text.prefix(63) + "…" : text[...]
    return SettingRefusal("'\(shown)' is \(why)")
  }

  // MARK: - Parts of values

  private func text(_ input: SettingInput) throws(SettingRefusal) -> String {
    switch input {
    case .text(let text): return try checked(text)
    case .node(let node):
      guard let scalar = node.scalar else {
        throw SettingRefusal("takes a \(hint), not \(node.kindName)")
      }
      guard !scalar.isNull else { throw SettingRefusal("has no value; leave it out or give one") }
      return try checked(scalar.text)
    }
  }

  private func checked(_ text: String) throws(SettingRefusal) -> String {
    guard text.utf8.count <= ConfigurationLimits.valueBytesMax else {
      throw SettingRefusal("is longer than \(ConfigurationLimits.valueBytesMax) bytes")
    }
    guard !text.utf8.contains(0) else { throw SettingRefusal("holds a NUL") }
    return text
  }

  /// The words never quote the value: somebody may have put the secret itself there.
  private func path(_ text: String) throws(SettingRefusal) -> String {
    if let name = SecretFile.credentialName(in: text) {
      guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
        throw SettingRefusal("names no credential behind 'credential:'")
      }
      return text
    }
    guard text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") else {
      throw SettingRefusal(
        "takes the path of a file, beginning with / or ./, not the secret itself")
    }
    return text
  }

  private func items(_ input: SettingInput) throws(SettingRefusal) -> [String] {
    var items: [String] = []
    if case .node(let node) = input, let nodes = node.sequence {
      for node in nodes.prefix(ConfigurationLimits.entriesMax + 1) {
        items.append(try text(.node(node)))
      }
    } else {
      // Nothing between two commas is nothing at all, and an empty text an empty list.
      let parts = try text(input).split(separator: ",", omittingEmptySubsequences: false)
      items = parts.map { $0.trimmingSpaces }
      if items == [""] { items = [] }
    }
    guard items.count <= ConfigurationLimits.entriesMax else {
      throw SettingRefusal("has more than \(ConfigurationLimits.entriesMax) entries")
    }
    guard !items.contains("") else { throw SettingRefusal("has an empty entry") }
    return items
  }

  private func pairs(_ input: SettingInput) throws(SettingRefusal) -> [String: String] {
    var pairs: [String: String] = [:]
    if case .node(let node) = input, let mapping = node.mapping {
      for entry in mapping.entries.prefix(ConfigurationLimits.entriesMax + 1) {
        pairs[entry.key] = try text(.node(entry.value))
      }
    } else {
      for item in try items(input) {
        guard let equals = item.firstIndex(of: "=") else { throw refusal(item, "not name=value") }
        let name = item[..<equals].trimmingSpaces
        guard pairs[name] == nil else { throw refusal(name, "there twice") }
        pairs[name] = item[item.index(after: equals)...].trimmingSpaces
      }
    }
    guard pairs.count <= ConfigurationLimits.entriesMax else {
      throw SettingRefusal("has more than \(ConfigurationLimits.entriesMax) entries")
    }
    guard pairs[""] == nil else { throw SettingRefusal("has an entry without a name") }
    return pairs
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String {
    var rest = drop { $0 == " " || $0 == "\t" }
    while rest.last == " " || rest.last == "\t" { rest.removeLast() }
    return String(rest)
  }
}
