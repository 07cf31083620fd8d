/// The name somebody probably meant, for every error that says a name is unknown.
package enum Spelling {
  /// Longer names are not compared: the work grows with the product of the lengths.
  package static let nameBytesMax = 64

  /// The candidate with the fewest letters to insert, remove, replace or swap; when that is more
  /// than a third of them, one that begins with the name. Of several as near, the first.
  package static func nearest(
    to name: String, among candidates: some Sequence<String>
  ) -> String? {
    let wanted = Array(name.lowercased().utf8)
    guard !wanted.isEmpty, wanted.count <= nameBytesMax else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let letters = Array(candidate.lowercased().utf8)
      guard letters.count <= nameBytesMax else { continue }
      let distance = distance(from: wanted, to: letters)
      if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    // As many changes as letters turn any name into any other.
    if let best, best.distance < wanted.count, best.distance <= max(1, wanted.count / 3) {
      return best.name
    }
    let beginning = name.lowercased()
    return wanted.count >= 2
      ? candidates.first { $0.lowercased().hasPrefix(beginning) } : nil
  }

  /// `; did you mean 'x'?`, or nothing: to put behind an error's sentence.
  package static func suggestion(
    for name: String, among candidates: some Sequence<String>
  ) -> String {
    nearest(to: name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  private static func distance(from left: [UInt8], to right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
        var best = min(replaced, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
