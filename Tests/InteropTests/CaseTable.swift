/// The results of a suite as columns that stand under each other.
struct CaseTable {
  private var rows: [[String]]

  init(_ columns: [String]) { rows = [columns] }

  mutating func add(_ cells: [String]) { rows.append(cells) }

  func show(_ title: String) { Self.say("\n\(title)\n\(text)\n") }

  /// On standard output, which `scripts/test` shows and keeps.
  static func say(_ text: String) { print(text) }

  private var text: String {
    let widths = rows.reduce(into: [Int](repeating: 0, count: rows[0].count)) { widths, row in
      for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
    }
    return rows.map { row in
      zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count + 2)
      }.joined()
    }.joined(separator: "\n")
  }

  /// `ok 12.3 ms`, or that it failed.
  static func cell(_ results: CaseResults, _ name: String) -> String {
    let milliseconds = (results.milliseconds(name) * 10).rounded() / 10
    return "\(results.isOK(name) ? "ok" : "FAILED") \(milliseconds) ms"
  }
}
