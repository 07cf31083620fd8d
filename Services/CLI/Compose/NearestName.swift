/// The name somebody probably meant.
package enum NearestName {
  /// Texts above this are compared by equality only: the work grows with the product of lengths.
  private static let byteCountMax = 64

  /// The candidate that differs in the fewest letters; nil when all differ in too many.
  package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().utf8)
    guard !wanted.isEmpty, wanted.count <= byteCountMax else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let bytes = Array(candidate.lowercased().utf8)
      guard bytes.count <= byteCountMax else { continue }
      let distance = Self.distance(wanted, bytes)
      if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    guard let best, best.distance < wanted.count,
      best.distance <= max(1, wanted.count / 3)
    else {
      // A beginning is meant even when much is missing: `comp` for `completion`.
      let lowered = name.lowercased()
      return candidates.first { name.count >= 2 && $0.lowercased().hasPrefix(lowered) }
    }
    return best.name
  }

  /// Letters to insert, remove, replace or swap with their neighbour.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1...left.count {
      var current = [row]
      for column in 1...right.count {
        let cost = left[row - 1] == right[column - 1] ? 0 : 1
        var best = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
        if row > 1, column > 1, left[row - 1] == right[column - 2],
          left[row - 2] == right[column - 1]
        {
          best = min(best, beforeLast[column - 2] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
