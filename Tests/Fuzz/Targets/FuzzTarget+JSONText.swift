import GRPCFormat
import JSON
import JSONText

extension FuzzTarget {
  /// Two readers of JSON agree; the canonical form is one; edits of JSON give JSON.
  ///
  /// The first byte chooses the edits.
  func fuzzJSONText(_ input: RawSpan) throws(FuzzFinding) {
    guard let choice = input.firstByte else { return }
    let bytes = [UInt8](copying: input.extracting(1..<input.byteCount))
    var (tree, text): (JSONValue?, JSONText?) = (nil, nil)
    let treeError = error { () throws(JSONError) in tree = try JSONValue(parsing: bytes) }
    let textError = error { () throws(JSONError) in text = try JSONText(checking: bytes) }
    try require(
      treeError == textError,
      "the tree says \(String(describing: treeError)), the text \(String(describing: textError))")
    guard let tree, let text else { return }
    let seen = value(of: text.root).bytes()
    try require(seen == tree.bytes(), "it reads \(seen), and \(tree) as a tree")
    try checkCanonical(text, tree)
    try checkEdits(text, choice)
  }

  private func error(_ read: () throws(JSONError) -> Void) -> JSONError? {
    do throws(JSONError) {
      try read()
      return nil
    } catch {
      return error
    }
  }

  private func value(of element: JSONText.Element) -> JSONValue {
    switch element.kind {
    case .null: return .null
    case .bool: return .bool(element.bool ?? false)
    case .number: return element.number.map(JSONValue.number) ?? .null
    case .string: return element.string.map(JSONValue.string) ?? .null
    case .array: return .array(element.elements.map(value))
    case .object:
      var object = JSONObject()
      for (key, member) in element.members {
        _ = object.insert(value(of: member), for: key.string ?? "")
      }
      return .object(object)
    }
  }

  /// A number's canonical spelling and an edit may pass the limits that the original kept.
  private static let limits = JSONLimits(depthMax: 200, numberBytesMax: 2048)

  private func checkCanonical(_ text: JSONText, _ tree: JSONValue) throws(FuzzFinding) {
    let canonical = text.canonicalBytes()
    for other in [canonical, tree.bytes()] {
      let again = try? JSONText(checking: other, limits: Self.limits).canonicalBytes()
      try require(
        again == canonical,
        "\(canonical) is canonical, and \(String(describing: again)) is its canonical form")
    }
  }

  private func checkEdits(_ text: JSONText, _ choice: UInt8) throws(FuzzFinding) {
    var plan = EditPlan(state: UInt64(choice))
    var all = [text.root]
    var next = 0
    while next < min(all.count, 64) {
      let element = all[next]
      all += element.elements.prefix(8) + element.members.prefix(8).map(\.value)
      next += 1
    }
    var edits = JSONEdits(of: text)
    do throws(JSONEditError) {
      for _ in 0...plan.below(6) {
        try plan.edit(all[plan.below(all.count)], among: all, &edits)
      }
    } catch {
      // Refused at once: the edits before it still stand.
    }
    let result: [UInt8]
    do throws(JSONEditError) {
      result = try edits.bytes()
    } catch {
      try require(
        error.code == .overlap || error.code == .duplicateKey, "\(error) came too late")
      return
    }
    let problem = self.error { () throws(JSONError) in
      _ = try JSONText(checking: result, limits: Self.limits)
    }
    try require(problem == nil, "edits gave \(result): \(String(describing: problem))")
  }
}

/// Which edits are tried, from one byte.
private struct EditPlan {
  var state: UInt64

  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }

  mutating func edit(
    _ element: JSONText.Element, among all: [JSONText.Element], _ edits: inout JSONEdits
  ) throws(JSONEditError) {
    let fragment =
      below(2) == 0 ? JSONFragment(all[below(all.count)]) : JSONFragment(["new": [1, "\n"]])
    let key = ["k0", "new", "\u{e9}\"", ""][below(4)]
    switch below(5) {
    case 0: try edits.replace(element, with: fragment)
    case 1: try edits.remove(element)
    case 2: try edits.rename(element, to: key)
    case 3: try edits.insert(fragment, for: key, in: element, at: below(2) == 0 ? .first : .last)
    default: try edits.insert(fragment, in: element, at: below(3))
    }
  }
}
