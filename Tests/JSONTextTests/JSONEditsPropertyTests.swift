import JSON
import JSONText
import TestSupport
import Testing

/// Random edits of random documents, against the same edits made on a tree.
@Suite struct JSONEditsPropertyTests {
  @Test(.timeLimit(.minutes(1)))
  func `what comes out is what a tree would become, or both see the conflict`() throws {
    var json = RandomJSON("JSONEditsPropertyTests")
    json.varies = true
    var made = 0
    for _ in 0..<3000 {
      let text = try JSONText(checking: json.spelling(of: json.value()))
      var model = EditedTree(text)
      for _ in 0..<json.below(5) { try model.editRandomly(&json) }
      let expected = model.result()
      do throws(JSONEditError) {
        let bytes = try model.edits.bytes()
        let checked = try? JSONText(checking: bytes)
        let result = checked.map { TreeOfText.spelling(of: $0.root) }
        #expect(expected != nil, "a conflict was not seen in \(describe(text))")
        #expect(result == expected.map(TreeOfText.spelling), "\(describe(text))")
        try checkSegments(model.edits, bytes)
        made += 1
      } catch {
        #expect(expected == nil, "\(error) in \(describe(text))")
      }
    }
    #expect(made > 500)
  }

  private func describe(_ text: JSONText) -> String { String(decoding: text.bytes, as: UTF8.self) }

  private func checkSegments(_ edits: JSONEdits, _ bytes: [UInt8]) throws(JSONEditError) {
    var end = 0
    var joined: [UInt8] = []
    for segment in try edits.segments() {
      #expect(segment.byteCount > 0)
      switch segment {
      case .original(let range):
        #expect(range.lowerBound >= end)
        end = range.upperBound
        joined += edits.text.bytes[range]
      case .inserted(let inserted): joined += inserted
      }
    }
    #expect(joined == bytes)
  }
}

/// Edits asked for of a document, and what they mean, written so that it can be seen to be right.
struct EditedTree {
  var edits: JSONEdits
  private let text: JSONText
  private let all: [JSONText.Element]
  // By where the value begins.
  private var replaced: [Int: JSONValue] = [:]
  private var removed: Set<Int> = []
  private var renamed: [Int: String] = [:]
  private var inserts: [Int: [(index: Int, key: String?, value: JSONValue)]] = [:]
  private var touched: [JSONText.Element] = []
  private var hasConflict = false

  init(_ text: JSONText) {
    self.text = text
    edits = JSONEdits(of: text)
    all = Self.elements(of: text.root)
  }

  private static func elements(of element: JSONText.Element) -> [JSONText.Element] {
    [element] + element.elements.flatMap(elements)
      + element.members.flatMap { elements(of: $0.value) }
  }

  mutating func editRandomly(_ json: inout RandomJSON) throws {
    let element = all[json.below(all.count)]
    let start = element.range.lowerBound
    let value = json.value(depth: 1)
    let key = json.below(3) == 0 ? element.members.first { _ in true }?.key.string : json.string()
    switch json.below(5) {
    case 0:
      try edits.replace(element, with: JSONFragment(value))
      hasConflict = hasConflict || replaced.updateValue(value, forKey: start) != nil
    case 1 where start != text.root.range.lowerBound && !removed.contains(start):
      try edits.remove(element)
      removed.insert(start)
    case 2 where element.key != nil && renamed[start] == nil:
      try edits.rename(element, to: key ?? "")
      renamed[start] = key ?? ""
    case 3 where element.kind == .object:
      let isFirst = json.below(2) == 0
      try edits.insert(
        JSONFragment(value), for: key ?? "", in: element, at: isFirst ? .first : .last)
      inserts[start, default: []].append((isFirst ? 0 : element.count, key ?? "", value))
    case 4 where element.kind == .array:
      let index = json.below(element.count + 1)
      try edits.insert(JSONFragment(value), in: element, at: index)
      inserts[start, default: []].append((index, nil, value))
    default: return
    }
    touched.append(element)
  }

  /// The edited value; nil when edits are in each other's way.
  func result() -> JSONValue? {
    for element in touched {
      let start = element.range.lowerBound
      let isGone = removed.contains(start)
      if isGone && (replaced[start] != nil || renamed[start] != nil) { return nil }
      if (isGone || replaced[start] != nil) && inserts[start] != nil { return nil }
      let isInside = touched.contains { other in
        let outer = other.range.lowerBound
        return (removed.contains(outer) || replaced[outer] != nil)
          && other.range != element.range && other.range.contains(start)
          && other.range.upperBound >= element.range.upperBound
      }
      if isInside { return nil }
    }
    return hasConflict ? nil : value(of: text.root)
  }

  private func value(of element: JSONText.Element) -> JSONValue? {
    let start = element.range.lowerBound
    if let value = replaced[start] { return value }
    switch element.kind {
    case .array:
      var result: [JSONValue] = []
      for (index, child) in element.elements.enumerated() {
        result += inserted(start, index).map(\.value)
        if !removed.contains(child.range.lowerBound) {
          guard let value = value(of: child) else { return nil }
          result.append(value)
        }
      }
      return .array(result + inserted(start, element.count).map(\.value))
    case .object:
      var result = JSONObject()
      var index = 0
      for (key, child) in element.members {
        for new in inserted(start, index) {
          guard result.insert(new.value, for: new.key ?? "") else { return nil }
        }
        index += 1
        let place = child.range.lowerBound
        guard !removed.contains(place) else { continue }
        guard let value = value(of: child),
          result.insert(value, for: renamed[place] ?? key.string ?? "")
        else { return nil }
      }
      for new in inserted(start, element.count) {
        guard result.insert(new.value, for: new.key ?? "") else { return nil }
      }
      return .object(result)
    default: return TreeOfText.value(of: element)
    }
  }

  private func inserted(
    _ start: Int, _ index: Int
  ) -> [(index: Int, key: String?, value: JSONValue)] {
    (inserts[start] ?? []).filter { $0.index == index }
  }
}
