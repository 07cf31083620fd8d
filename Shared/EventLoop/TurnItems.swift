/// Something to do once after the ready jobs of a turn ran, such as writing what they produced.
package protocol TurnEnding: AnyObject {
  /// Called once per turn on the loop's thread, however often the object was handed in.
  func turnEnded()
}

/// The objects waiting for the end of the turn, each once, in the order they came.
struct TurnItems {
  private(set) var items: [any TurnEnding] = []
  private var known: Set<ObjectIdentifier> = []

  /// Up to here a walk over the items is cheaper than hashing.
  private static let walkMax = 16

  var isEmpty: Bool { items.isEmpty }

  mutating func insert(_ item: any TurnEnding) {
    if items.count < Self.walkMax {
      for waiting in items where waiting === item { return }
    } else {
      if known.isEmpty { known.formUnion(items.map(ObjectIdentifier.init)) }
      guard known.insert(ObjectIdentifier(item)).inserted else { return }
    }
    items.append(item)
  }

  /// Hands out all items; `spare` lends its memory for the next turn.
  mutating func take(into spare: inout [any TurnEnding]) {
    swap(&items, &spare)
    if !known.isEmpty { known.removeAll(keepingCapacity: true) }
  }
}
