import SQLite
import ScoreContract
import StoreBackend
import StoreContract

/// By score: along `verdicts_by_score`, whose entries are of one product, one kind, one score and
/// then in the order of keys.
extension VerdictSearch {
  private var isHighest: Bool { question == .highest }

  func walkByScore() throws(SQLiteError) -> Found {
    let kinds = try kinds
    var found = Found()
    // However many kinds there are, a page looks at about as many verdicts.
    let looks = max(1, limits.looksMax / kinds.count)
    for kind in kinds {
      let part = try walk(kind, looks: looks)
      found.places += part.places
      if let stop = part.stop {
        found.stop = found.stop.map { stop.precedes($0) ? stop : $0 } ?? stop
      }
    }
    if kinds.count > 1 { found.places.sort { $0.precedes($1) } }
    // What another kind may still have before a place is not known behind the first stop.
    if let stop = found.stop { found.places.removeAll { stop.precedes($0) } }
    found.places.removeLast(max(0, found.places.count - countMax))
    return found
  }

  /// Kinds of subjects among which the page is looked for; nil for verdicts that have no subject.
  private var kinds: [String?] {
    get throws(SQLiteError) {
      if !request.subjectKind.isEmpty { return [request.subjectKind] }
      var kinds: [String?] = [nil]
      var last = ""
      while true {
        let row = try connection.statement(
          """
          SELECT min(subject_kind) FROM verdicts INDEXED BY verdicts_by_score
          WHERE product = ? AND subject_kind > ?
          """)
        try row.bind(product, at: 1)
        try row.bind(last, at: 2)
        defer { row.reset() }
        guard try row.step(), !row.isNull(at: 0) else { return kinds }
        last = row.text(at: 0)
        kinds.append(last)
      }
    }
  }

  /// Verdicts of one kind: group by group of one score, then those without one.
  private func walk(_ kind: String?, looks: Int) throws(SQLiteError) -> Found {
    var walk = SearchWalk(looks: looks, countMax: countMax)
    let (least, most) = (request.scoreLeast ?? -.infinity, request.scoreMost ?? .infinity)
    // Beyond the scores that are asked for, or the group that the page before ended in.
    var last = isHighest ? most.nextUp : least.nextDown
    if let after, let score = after.score {
      if least <= score, score <= most {
        try take(score, of: kind, before: after.position, &walk)
      }
      last = isHighest ? min(last, score) : max(last, score)
    }
    if after == nil || after?.score != nil {
      while !walk.isOver, let score = try nextScore(beyond: last, of: kind) {
        try take(score, of: kind, before: .max, &walk)
        last = score
      }
    }
    if !walk.isOver, request.scoreLeast == nil, request.scoreMost == nil {
      let before = after.flatMap { $0.score == nil ? $0.position : nil }
      try take(nil, of: kind, before: before ?? .max, &walk)
    }
    return walk.found
  }

  /// Of those that some verdict of the kind has.
  private func nextScore(
    beyond last: Double, of kind: String?
  ) throws(SQLiteError) -> Double? {
    let row =
      isHighest
      ? try connection.statement(
        """
        SELECT max(score) FROM verdicts INDEXED BY verdicts_by_score
        WHERE product = ? AND subject_kind IS ? AND score < ? AND score >= ?
        """)
      : try connection.statement(
        """
        SELECT min(score) FROM verdicts INDEXED BY verdicts_by_score
        WHERE product = ? AND subject_kind IS ? AND score > ? AND score <= ?
        """)
    try row.bind(product, at: 1)
    try row.bind(orNull: kind ?? "", at: 2)
    try row.bind(last, at: 3)
    try row.bind(
      isHighest ? request.scoreLeast ?? -.infinity : request.scoreMost ?? .infinity, at: 4)
    defer { row.reset() }
    return try row.step() && !row.isNull(at: 0) ? row.double(at: 0) : nil
  }

  /// The verdicts of one score, newest first.
  private func take(
    _ score: Double?, of kind: String?, before key: Int64, _ walk: inout SearchWalk
  ) throws(SQLiteError) {
    // The index itself says what its entries' scores and kinds are.
    var wanted = nameFilter
    if let run { wanted += SearchTerms("v.run = ?", .integer(run.key)) }
    let row = try connection.statement(
      composed: """
        SELECT v.key, \(wanted.text) FROM verdicts v INDEXED BY verdicts_by_score
        WHERE v.product = ? AND v.subject_kind IS ? AND v.score IS ? AND v.key < ?
        ORDER BY v.key DESC LIMIT ?
        """)
    let index = try wanted.bind(to: row, from: 1)
    try row.bind(product, at: index)
    try row.bind(orNull: kind ?? "", at: index + 1)
    try row.bind(score, at: index + 2)
    try row.bind(key, at: index + 3)
    try row.bind(walk.looks, at: index + 4)
    defer { row.reset() }
    while !walk.isOver, try row.step() {
      walk.look(at: place(row.int64(at: 0), score), matches: row.int64(at: 1) != 0)
    }
  }
}
