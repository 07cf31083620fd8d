extension JSONText.Element {
  /// The member of this key; nil when there is none, or when this is no object.
  package subscript(key: String) -> JSONText.Element? {
    guard tape.kind == .object else { return nil }
    let mark = JSONKey.mark(of: key)
    let end = tape.next
    var place = node + 1
    while place < end {
      let candidate = storage.nodes[Int(place)]
      if candidate.mark == mark,
        reading({ JSONKey.equal(candidate, key.utf8Span.span, in: $0) })
      {
        return child(place + 1)
      }
      place = storage.nodes[Int(place) + 1].next
    }
    return nil
  }

  /// An element of an array, found by walking; nil outside its bounds, or when this is no array.
  package subscript(index: Int) -> JSONText.Element? {
    guard tape.kind == .array, index >= 0 else { return nil }
    var rest = index
    for element in elements {
      if rest == 0 { return element }
      rest -= 1
    }
    return nil
  }

  /// How many members or elements there are; 0 for a scalar.
  package var count: Int {
    let tape = tape
    guard tape.kind == .array || tape.kind == .object else { return 0 }
    guard tape.mark == JSONNode.countUnknown else { return Int(tape.mark) }
    return tape.kind == .array
      ? elements.reduce(0) { sum, _ in sum + 1 }
      : members.reduce(0) { sum, _ in sum + 1 }
  }

  /// The elements of an array; none of anything else.
  package var elements: JSONText.Elements {
    JSONText.Elements(
      container: self, place: node + 1, end: tape.kind == .array ? tape.next : node + 1)
  }

  /// The members of an object in their order; none of anything else.
  package var members: JSONText.Members {
    JSONText.Members(
      container: self, place: node + 1, end: tape.kind == .object ? tape.next : node + 1)
  }

  /// The key of a member's value, a string; nil for anything else.
  package var key: JSONText.Element? {
    guard parent != JSONNode.none, storage.nodes[Int(parent)].kind == .object else { return nil }
    return JSONText.Element(storage: storage, node: node - 1, parent: JSONNode.none)
  }

  func child(_ place: UInt32) -> JSONText.Element {
    JSONText.Element(storage: storage, node: place, parent: node)
  }
}

extension JSONText {
  /// An array's elements, in their order.
  package struct Elements: Sequence, IteratorProtocol, Sendable {
    let container: JSONText.Element
    var place: UInt32
    let end: UInt32

    package mutating func next() -> JSONText.Element? {
      guard place < end else { return nil }
      let element = container.child(place)
      place = element.tape.next
      return element
    }
  }

  /// An object's members, in their order.
  package struct Members: Sequence, IteratorProtocol, Sendable {
    let container: JSONText.Element
    var place: UInt32
    let end: UInt32

    /// The next member's key and value.
    package mutating func next() -> (key: JSONText.Element, value: JSONText.Element)? {
      guard place < end else { return nil }
      let value = container.child(place + 1)
      let key = JSONText.Element(storage: container.storage, node: place, parent: JSONNode.none)
      place = value.tape.next
      return (key, value)
    }
  }
}
