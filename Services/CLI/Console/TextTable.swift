/// Columns of text, each as wide as its widest cell.
package struct TextTable: Sendable {
  private var rows: [[String]]
  private let alignsRight: Set<Int>

  /// A table with a headline; the columns numbered in `right` are numbers.
  package init(_ headline: [String], right: Set<Int> = []) {
    rows = [headline]
    alignsRight = right
  }

  package mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, without blanks at their ends; `paint` may colour a cell, after it was measured.
  package func lines(paint: (_ row: Int, _ column: Int, _ cell: String) -> String) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.enumerated().map { index, row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        let isLast = column == row.count - 1
        let painted = paint(index, column, cell)
        line += alignsRight.contains(column) ? blanks + painted : painted + (isLast ? "" : blanks)
        if !isLast { line += "  " }
      }
      return line
    }
  }

  package var lines: [String] { lines { _, _, cell in cell } }
}
