extension JSONEdits {
  /// Every splice in the order of the original, none over another.
  func ordered() throws(JSONEditError) -> [Splice] {
    var all = splices
    for (node, container) in containers {
      // Which parent a container has does not matter here: only its children are looked at.
      let element = JSONText.Element(storage: text.storage, node: node, parent: JSONNode.none)
      try checkKeys(of: element, container)
      if !container.inserts.isEmpty || !container.removed.isEmpty {
        append(element, container, to: &all)
      }
    }
    // What is put in before a value comes before what takes the value's place.
    let order = all.indices.sorted { left, right in
      let (one, other) = (all[left].range, all[right].range)
      if one.lowerBound != other.lowerBound { return one.lowerBound < other.lowerBound }
      if one.isEmpty != other.isEmpty { return one.isEmpty }
      return left < right
    }
    var end = 0
    for index in order {
      let range = all[index].range
      guard range.lowerBound >= end else {
        throw JSONEditError(code: .overlap, offset: range.lowerBound)
      }
      end = range.upperBound
    }
    return order.map { all[$0] }
  }

  /// Adds what inserts and removals do to one container, commas included.
  ///
  /// A child that stays and follows something keeps the bytes before it back to the child before
  /// it, in which there is one comma; one that has become the first loses them.
  private func append(
    _ element: JSONText.Element, _ container: Container, to splices: inout [Splice]
  ) {
    var inserts = container.inserts.enumerated().sorted { left, right in
      (left.element.place, left.offset) < (right.element.place, right.offset)
    }[...]
    let end = element.range.upperBound - 1
    // Behind the child before this place; nil at the first.
    var before: Int?
    var hasContent = false
    var index = 0
    func insert(at offset: Int) -> [[UInt8]] {
      var pieces: [[UInt8]] = []
      while let next = inserts.first, next.element.place == index {
        inserts.removeFirst()
        pieces += Self.pieces(of: next.element.piece, follows: hasContent)
        hasContent = true
      }
      if !pieces.isEmpty { splices.append(Splice(offset..<offset, pieces)) }
      return pieces
    }
    for (start, value) in children(of: element) {
      let inserted = insert(at: before ?? start)
      let isRemoved = container.removed.contains(value.node)
      if isRemoved {
        splices.append(Splice((before ?? start)..<value.range.upperBound))
      } else if let before, !hasContent {
        splices.append(Splice(before..<start))
      } else if before == nil, !inserted.isEmpty {
        splices[splices.count - 1].pieces.append([UInt8(ascii: ",")])
      }
      hasContent = hasContent || !isRemoved
      before = value.range.upperBound
      index += 1
    }
    _ = insert(at: before ?? end)
  }

  private static func pieces(of insert: Insert, follows: Bool) -> [[UInt8]] {
    var head: [UInt8] = follows ? [UInt8(ascii: ",")] : []
    if let key = insert.key {
      head += JSONFragment.key(key)
      head.append(UInt8(ascii: ":"))
    }
    return [head, insert.value]
  }

  /// Members or elements: where each begins, and its value.
  private func children(
    of element: JSONText.Element
  ) -> [(start: Int, value: JSONText.Element)] {
    if element.kind == .array { return element.elements.map { ($0.range.lowerBound, $0) } }
    return element.members.map { ($0.key.range.lowerBound, $0.value) }
  }

  /// Refuses a second member of one key: among those that are new, and against those that stay.
  private func checkKeys(
    of element: JSONText.Element, _ container: Container
  ) throws(JSONEditError) {
    var added: Set<JSONKeyText> = []
    var marks: Set<UInt16> = []
    let names = container.inserts.compactMap(\.piece.key) + container.renamed.values
    for name in names {
      guard added.insert(JSONKeyText(name)).inserted else { throw error(.duplicateKey, element) }
      marks.insert(JSONKey.mark(of: name))
    }
    guard !added.isEmpty else { return }
    for (key, value) in element.members where marks.contains(key.tape.mark) {
      let stays = !container.removed.contains(value.node) && container.renamed[value.node] == nil
      guard !stays || !added.contains(JSONKeyText(key.string ?? "")) else {
        throw error(.duplicateKey, key)
      }
    }
  }
}

/// A key, compared by its bytes as JSON does and not as text.
private struct JSONKeyText: Hashable {
  let utf8: [UInt8]

  init(_ text: String) { utf8 = Array(text.utf8) }
}
