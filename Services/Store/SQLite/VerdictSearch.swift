import SQLite
import ScoreContract
import StoreBackend
import StoreContract

/// Bounds of what one page of a search may cost, whatever the store holds.
package struct SearchLimits: Sendable {
  /// Verdicts of one run, or of one kind, that are gathered and sorted rather than walked through
  /// in order.
  package var sortedMax = 10_000
  /// Verdicts that a page may look at before it ends, full or not.
  package var looksMax = 10_000

  package init() {}
}

/// One page of a search: where its verdicts are, in order, and where looking for them ended.
///
/// What is few is gathered and sorted. What may be many is walked through in the order asked for:
/// by age along a run's log or the rows themselves, by score along their index, group by group of
/// equal scores and kind by kind.
struct VerdictSearch {
  /// What was found; with `stop`, there may be more behind that place, which was looked at last.
  struct Found {
    var places: [PageCursor] = []
    var stop: PageCursor?
  }

  let connection: Connection
  let limits: SearchLimits
  let request: QueryVerdictsRequest
  let product: Int64
  let after: PageCursor?
  /// The run's key and its latest sequence, when it is one run's verdicts that are asked for.
  var run: (key: Int64, lastSeq: Int64)?

  init(
    _ connection: Connection, _ limits: SearchLimits, _ request: QueryVerdictsRequest,
    product: Int64, after: PageCursor?
  ) {
    self.connection = connection
    self.limits = limits
    self.request = request
    self.product = product
    self.after = after
  }

  var question: PageCursor.Question { request.question }

  /// One more than the page has says whether there is another.
  var countMax: Int {
    let limit = request.limit == 0 ? StoreLimits.pageDefault : Int(request.limit)
    return min(limit, StoreLimits.pageMax) + 1
  }

  private var sortsByScore: Bool { question == .highest || question == .lowest }

  func find() throws(SQLiteError) -> Found {
    if !sortsByScore {
      if let run { return try walkByAge(alongLog: run.key) }
      return try areFew ? gather(alongLog: nil) : walkByAge(alongLog: nil)
    }
    if let run, run.lastSeq <= limits.sortedMax { return try gather(alongLog: run.key) }
    return try walkByScore()
  }

  // MARK: - Few

  /// Whether the product has few verdicts, of the kind when one is asked for.
  private var areFew: Bool {
    get throws(SQLiteError) {
      let kind = request.subjectKind
      let row = try connection.statement(
        composed: """
          SELECT count(*) FROM (SELECT 1 FROM verdicts INDEXED BY verdicts_by_score
            WHERE product = ?1 \(kind.isEmpty ? "" : "AND subject_kind = ?3") LIMIT ?2)
          """)
      try row.bind(product, at: 1)
      try row.bind(limits.sortedMax + 1, at: 2)
      if !kind.isEmpty { try row.bind(kind, at: 3) }
      defer { row.reset() }
      return try row.step() && row.int64(at: 0) <= limits.sortedMax
    }
  }

  private func gather(alongLog run: Int64?) throws(SQLiteError) -> Found {
    var terms = scope(run)
    terms += filter
    if let after { terms += behind(after) }
    let order =
      switch question {
      case .oldest, .labels: "v.key"
      case .newest, .runs: "v.key DESC"
      case .highest: "v.score IS NULL, v.score DESC, v.key DESC"
      case .lowest: "v.score IS NULL, v.score, v.key DESC"
      }
    let row = try connection.statement(
      composed: """
        SELECT v.key, v.score FROM \(source(run)) WHERE \(terms.text) ORDER BY \(order) LIMIT ?
        """)
    let index = try terms.bind(to: row, from: 1)
    try row.bind(countMax, at: index)
    defer { row.reset() }
    var found = Found()
    while try row.step() {
      let score = sortsByScore && !row.isNull(at: 1) ? row.double(at: 1) : nil
      found.places.append(place(row.int64(at: 0), score))
    }
    return found
  }

  private func source(_ run: Int64?) -> String {
    run == nil
      ? "verdicts v INDEXED BY verdicts_by_score"
      : "events e CROSS JOIN verdicts v ON v.key = e.verdict"
  }

  private func scope(_ run: Int64?) -> SearchTerms {
    if let run { return SearchTerms("e.run = ?", .integer(run)) }
    var terms = SearchTerms("v.product = ?", .integer(product))
    if !request.subjectKind.isEmpty {
      terms += SearchTerms("v.subject_kind = ?", .text(request.subjectKind))
    }
    return terms
  }

  /// What comes behind a place.
  private func behind(_ place: PageCursor) -> SearchTerms {
    let key = SearchTerms.Value.integer(place.position)
    switch question {
    case .oldest, .labels: return SearchTerms("v.key > ?", key)
    case .newest, .runs: return SearchTerms("v.key < ?", key)
    case .highest, .lowest:
      guard let score = place.score else {
        return SearchTerms("(v.score IS NULL AND v.key < ?)", key)
      }
      let further = question == .highest ? "v.score < ?" : "v.score > ?"
      return SearchTerms(
        "(\(further) OR (v.score = ? AND v.key < ?) OR v.score IS NULL)", .real(score),
        .real(score), key)
    }
  }

  // MARK: - Many, by age

  private func walkByAge(alongLog run: Int64?) throws(SQLiteError) -> Found {
    let isOldest = question == .oldest
    var terms = run.map { SearchTerms("e.run = ?", .integer($0)) } ?? SearchTerms()
    if let after {
      // A run's verdicts have their keys in the order of its log.
      let bound =
        run == nil
        ? "v.key \(isOldest ? ">" : "<") ?"
        : "e.seq \(isOldest ? ">" : "<") (SELECT seq FROM verdicts WHERE key = ?)"
      terms += SearchTerms(bound, .integer(after.position))
    }
    var wanted = filter
    if run == nil { wanted += scope(nil) }
    let rows = run == nil ? "verdicts v" : source(run)
    let row = try connection.statement(
      composed: """
        SELECT v.key, \(wanted.text) FROM \(rows) WHERE \(terms.text)
        ORDER BY \(run == nil ? "v.key" : "e.seq")\(isOldest ? "" : " DESC") LIMIT ?
        """)
    var index = try wanted.bind(to: row, from: 1)
    index = try terms.bind(to: row, from: index)
    try row.bind(limits.looksMax, at: index)
    defer { row.reset() }
    var walk = SearchWalk(looks: limits.looksMax, countMax: countMax)
    while !walk.isOver, try row.step() {
      walk.look(at: place(row.int64(at: 0), nil), matches: row.int64(at: 1) != 0)
    }
    return walk.found
  }

  func place(_ key: Int64, _ score: Double?) -> PageCursor {
    PageCursor(question, position: key, score: score)
  }

  /// What a verdict must be named.
  var nameFilter: SearchTerms {
    var terms = SearchTerms()
    if !request.rubricHash.isEmpty {
      terms += SearchTerms("v.rubric_hash = ?", .text(request.rubricHash))
    }
    if !request.model.isEmpty { terms += SearchTerms("v.model = ?", .text(request.model)) }
    return terms
  }

  /// What a verdict must have beside its product or run.
  private var filter: SearchTerms {
    var terms = nameFilter
    if let least = request.scoreLeast { terms += SearchTerms("v.score >= ?", .real(least)) }
    if let most = request.scoreMost { terms += SearchTerms("v.score <= ?", .real(most)) }
    if run != nil, !request.subjectKind.isEmpty {
      terms += SearchTerms("v.subject_kind = ?", .text(request.subjectKind))
    }
    return terms
  }
}

/// A walk in order until it has found enough or has looked at enough.
struct SearchWalk {
  private(set) var looks: Int
  private let countMax: Int
  private(set) var found = VerdictSearch.Found()

  init(looks: Int, countMax: Int) {
    self.looks = looks
    self.countMax = countMax
  }

  var isOver: Bool { looks <= 0 || found.places.count >= countMax }

  mutating func look(at place: PageCursor, matches: Bool) {
    looks -= 1
    if matches { found.places.append(place) }
    if looks <= 0 { found.stop = place }
  }
}

/// Conditions of a statement that all hold, and their values; every piece of text is a literal.
struct SearchTerms {
  enum Value {
    case integer(Int64)
    case real(Double)
    case text(String)
  }

  private var conditions: [String] = []
  private var values: [Value] = []

  init() {}

  init(_ condition: String, _ values: Value...) {
    conditions = [condition]
    self.values = values
  }

  static func += (terms: inout SearchTerms, more: SearchTerms) {
    terms.conditions += more.conditions
    terms.values += more.values
  }

  var isEmpty: Bool { conditions.isEmpty }

  var text: String { isEmpty ? "1" : conditions.joined(separator: " AND ") }

  /// Answers the index behind the last one.
  func bind(to row: Statement, from first: Int32) throws(SQLiteError) -> Int32 {
    var index = first
    for value in values {
      switch value {
      case .integer(let number): try row.bind(number, at: index)
      case .real(let number): try row.bind(number, at: index)
      case .text(let text): try row.bind(text, at: index)
      }
      index += 1
    }
    return index
  }
}
