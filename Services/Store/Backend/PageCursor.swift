package import Faults

/// Where a page ended: the last row's place in the order of commits, and what it is sorted by.
///
/// Crosses the wire as a token that means nothing to anybody else.
package struct PageCursor: Sendable, Equatable {
  /// Which question the page belongs to, so that one's token is refused by another.
  package enum Question: String, Sendable {
    case runs = "r"
    case newest = "n"
    case oldest = "o"
    case highest = "h"
    case lowest = "l"
    case labels = "b"
  }

  package let question: Question
  /// Higher for what was written later.
  package let position: Int64
  /// Of a page sorted by score; nil where its last row had none.
  package let score: Double?

  package init(_ question: Question, position: Int64, score: Double? = nil) {
    self.question = question
    self.position = position
    self.score = score
  }

  /// nil for an empty token; a token of another question is refused.
  package static func parse(_ token: String, for question: Question) throws(Fault) -> PageCursor? {
    if token.isEmpty { return nil }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == question.rawValue, let position = Int64(parts[1]),
      position > 0
    else { throw .badPageToken }
    var score: Double?
    if !parts[2].isEmpty {
      guard let bits = UInt64(parts[2], radix: 16) else { throw .badPageToken }
      score = Double(bitPattern: bits)
      if score?.isFinite != true { throw .badPageToken }
    }
    return PageCursor(question, position: position, score: score)
  }

  /// Whether one row comes before another; rows without a score come last, ties newest first.
  package func precedes(_ other: PageCursor) -> Bool {
    switch question {
    case .oldest, .labels: return position < other.position
    case .newest, .runs: return position > other.position
    case .highest, .lowest:
      switch (score, other.score) {
      case (nil, nil): return position > other.position
      case (nil, _): return false
      case (_, nil): return true
      case (let mine?, let theirs?):
        if mine == theirs { return position > other.position }
        return question == .highest ? mine > theirs : mine < theirs
      }
    }
  }

  package var token: String {
    let bits = score.map { String($0.bitPattern, radix: 16) } ?? ""
    return "\(question.rawValue).\(position).\(bits)"
  }
}

/// How much still fits on a page; a page has one row, however large.
package struct PageBudget: Sendable {
  private let countMax: Int
  private var count = 0
  private var bytesLeft: Int

  package init(countMax: Int, bytesMax: Int = StoreLimits.pageBytesMax) {
    self.countMax = countMax
    bytesLeft = bytesMax
  }

  /// As many rows as were asked for, within what one page may have.
  package init(limit: UInt32) {
    let count = limit == 0 ? StoreLimits.pageDefault : min(Int(limit), StoreLimits.pageMax)
    self.init(countMax: count)
  }

  /// Whether one more row of so many bytes fits; then it is counted.
  package mutating func take(_ bytes: Int) -> Bool {
    guard count < countMax, count == 0 || bytes <= bytesLeft else { return false }
    count += 1
    bytesLeft -= bytes
    return true
  }
}
