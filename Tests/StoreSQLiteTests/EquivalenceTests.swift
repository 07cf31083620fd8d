import Faults
import SQLite
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import TestSupport
import Testing

/// The file against the model: the same orders, the same answers.
@Suite(.timeLimit(.minutes(10))) struct EquivalenceTests {
  private static let sequences = 2_000
  private static let sequencesPerFile = 25
  /// What the random orders must have been refused for, or they proved less than they should.
  private static let reasons: Set<String> = [
    "UNKNOWN_RUN", "RUN_EXISTS", "IDEMPOTENCY_KEY_REUSED", "COMMIT_ID_REUSED", "LEASE_LOST",
    "RUN_ENDED", "RUN_STATE", "UNITS_OPEN", "UNIT_ENDED", "UNIT_EXISTS", "UNIT_ORDER",
    "UNKNOWN_UNIT", "UNKNOWN_VERDICT", "VERDICT_EXISTS", "ATTEMPT_EXISTS", "STAGE_ORDER",
    "STAGE_STATE", "RUBRIC_DIFFERS", "LABEL_DIFFERS", "BAD_REQUEST",
  ]

  @Test func `the file and the model give the same answers to the same orders`() async throws {
    var random = SeededRandom("equivalence")
    var seen: Set<String> = []
    var taken = 0
    for first in stride(from: 0, to: Self.sequences, by: Self.sequencesPerFile) {
      let seed = random.next()
      try await ScratchFolder.with { folder in
        var pair = try StorePair(folder.file("store.db"), SeededRandom(seed: seed))
        for index in 0..<Self.sequencesPerFile {
          let product = try ProductScope("p\(index)")
          let isSame = try pair.runSequence(of: product)
          guard isSame else {
            Issue.record("sequence \(first + index), seed \(seed)")
            return
          }
        }
        #expect(try pair.damages() == [])
        seen.formUnion(pair.reasons)
        taken += pair.taken
      }
    }
    #expect(Self.reasons.subtracting(seen) == [])
    #expect(taken > Self.sequences * 8, "\(taken) orders were taken")
  }
}

/// One file and one model that are asked the same.
struct StorePair {
  private let store: SQLiteStore
  private var writer: SQLiteWriter
  private var reader: SQLiteReader
  /// Searches as if nothing were few: in the order of the index, not by sorting.
  private var walker: SQLiteReader
  /// The same with pages that end after three looks.
  private var stepper: SQLiteReader
  private let model = StoreModel()
  private var random: SeededRandom
  private var now: Int64 = 1_000_000
  private(set) var reasons: Set<String> = []
  /// Orders that were not refused.
  private(set) var taken = 0

  init(_ path: String, _ random: SeededRandom) throws {
    var store = SQLiteStore(path: path)
    store.durability = .off
    self.store = store
    writer = try store.openWriter()
    reader = try store.openReader()
    walker = try Self.walker(store, looksMax: 1_000)
    stepper = try Self.walker(store, looksMax: 3)
    self.random = random
  }

  private static func walker(_ store: SQLiteStore, looksMax: Int) throws -> SQLiteReader {
    var store = store
    store.searchLimits.sortedMax = 0
    store.searchLimits.looksMax = looksMax
    return try store.openReader()
  }

  mutating func damages() throws -> [StoreDamage] { try reader.verify() }

  /// About 30 orders in groups, then every question; false when an answer differed.
  mutating func runSequence(of product: ProductScope) throws -> Bool {
    var orders = RandomOrders(
      random: SeededRandom(seed: random.next()), product: product, model: model)
    var left = 30
    while left > 0 {
      var group: [WriteOrder] = []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        left -= 1
        if case .success(let order) = orders.next() { group.append(order) }
      }
      now += 10
      let mine = model.write(group, atMicroseconds: now).map(Self.comparable)
      let theirs = writer.write(group, atMicroseconds: now).map(Self.comparable)
      guard Self.same(mine, theirs, "\(group)") else { return false }
      for result in mine {
        if case .failure(let refusal) = result {
          reasons.insert(refusal.reason)
        } else {
          taken += 1
        }
      }
      if UInt8.random(in: 0..<60, using: &random) == 0 { try reopen() }
    }
    return try compareAnswers(of: product)
  }

  private mutating func reopen() throws {
    if Bool.random(using: &random) { writer.rest() }
    writer = try store.openWriter()
    reader = try store.openReader()
    walker = try Self.walker(store, looksMax: 1_000)
    stepper = try Self.walker(store, looksMax: 3)
  }

  /// Of a refusal only what callers branch on.
  private static func comparable<R>(_ result: Result<R, Fault>) -> Result<R, Refusal> {
    result.mapError { Refusal(code: $0.code, reason: $0.reason) }
  }

  struct Refusal: Error, Equatable {
    let code: Fault.Code
    let reason: String
  }

  private static func same<T: Equatable>(_ model: T, _ file: T, _ what: String) -> Bool {
    if model == file { return true }
    Issue.record("\(what)\n  model: \(model)\n  file:  \(file)")
    return false
  }

  /// One question to both.
  private func agree<T: Equatable>(
    _ what: String, _ ask: (any StoreReading) throws(Fault) -> T
  ) -> Bool {
    agree(what, reader, ask)
  }

  private func agree<T: Equatable>(
    _ what: String, _ reader: SQLiteReader, _ ask: (any StoreReading) throws(Fault) -> T
  ) -> Bool {
    func answer(_ store: any StoreReading) -> Result<T, Refusal> {
      Self.comparable(Result { () throws(Fault) in try ask(store) })
    }
    let (mine, theirs) = (answer(model), answer(reader))
    if mine == theirs { return true }
    Issue.record("\(what)\n  model: \(mine)\n  file:  \(theirs)")
    return false
  }

  private mutating func compareAnswers(of product: ProductScope) throws -> Bool {
    let lists = try Self.same(model.leases(), writer.leases(), "leases")
    let owners = try Self.same(model.runsWantingOwner(), writer.runsWantingOwner(), "owners")
    return lists && owners && compareRuns(product) && compareVerdicts(product)
      && compareQueries(product) && compareBeside(product)
  }

  private func compareRuns(_ product: ProductScope) -> Bool {
    for id in ["run0", "run1", "run2", "nobody", ""] {
      let isSame =
        agree("run \(id)") { (it) throws(Fault) in try it.run(id, of: product) }
        && agree("events") { (it) throws(Fault) in
          try it.events(of: id, after: 0, countMax: 1_000, of: product)
        }
        && agree("a few events") { (it) throws(Fault) in
          try it.events(of: id, after: 2, countMax: 3, of: product)
        }
        && agree("no events") { (it) throws(Fault) in
          try it.events(of: id, after: -1, countMax: 3, of: product)
        }
      if !isSame { return false }
      for (states, stage) in [([], nil), ([.open], nil), ([.succeeded, .skipped], 1)]
        as [([UnitState], UInt32?)]
      {
        let request = ReadUnitsRequest(
          runId: id, afterOrdinal: stage == nil ? -1 : 0, states: states, stage: stage ?? 0,
          hasStage: stage != nil, limit: 2)
        let isSame = agree("units") { (it) throws(Fault) in try it.units(request, of: product) }
        if !isSame { return false }
      }
    }
    return agree("runs") { (it) throws(Fault) in
      let first = try it.runs(ListRunsRequest(limit: 2), of: product)
      let second = try it.runs(ListRunsRequest(limit: 2, after: first.next), of: product)
      let states = try it.runs(ListRunsRequest(states: [.running, .paused]), of: product)
      return [first, second, states]
    }
  }

  private func compareVerdicts(_ product: ProductScope) -> Bool {
    agree("lookup") { (it) throws(Fault) in
      try it.verdicts(forKeys: ["k3", "k1", "k1", "none"], of: product)
    }
      && agree("one") { (it) throws(Fault) in try it.verdict("v7", of: product) }
      && agree("latest") { (it) throws(Fault) in
        let request = LatestVerdictsRequest(subjectKind: "entity")
        let first = try it.latest(request, afterSubject: "", countMax: 1, of: product)
        let after = first.last?.subject?.id ?? ""
        return try [first, it.latest(request, afterSubject: after, countMax: 5, of: product)]
      }
      && agree("latest of some") { (it) throws(Fault) in
        try it.latest(
          LatestVerdictsRequest(
            subjectKind: "entity", subjectIds: ["e2", "e0", "e2"], rubricHash: "rubric1"),
          afterSubject: "", countMax: 5, of: product)
      }
      && agree("history") { (it) throws(Fault) in
        let request = VerdictHistoryRequest(subjectKind: "entity", subjectId: "e1")
        let first = try it.history(request, behind: 0, countMax: 2, of: product)
        return try [first, it.history(request, behind: first.position, countMax: 9, of: product)]
      }
  }

  private func compareBeside(_ product: ProductScope) -> Bool {
    agree("rubric") { (it) throws(Fault) in try it.rubric("rubric0", of: product) }
      && agree("labels") { (it) throws(Fault) in
        let first = try it.labels(ListLabelsRequest(limit: 2), of: product)
        let request = ListLabelsRequest(subjectId: "e1", after: first.next)
        return try [first, it.labels(request, of: product)]
      }
  }
}

// MARK: - Searches

extension StorePair {
  private static let orders: [QueryVerdictsRequest.Order] = [.newest, .oldest, .highest, .lowest]
  private static let filters = [
    QueryVerdictsRequest(), QueryVerdictsRequest(runId: "run0"),
    QueryVerdictsRequest(runId: "nobody"), QueryVerdictsRequest(subjectKind: "entity"),
  ]

  private mutating func compareQueries(_ product: ProductScope) -> Bool {
    for filter in Self.filters + (0..<8).map({ _ in anyFilter() }) {
      for order in Self.orders {
        var request = filter
        request.order = order
        request.limit = UInt32.random(in: 1...4, using: &random)
        let isSame =
          [reader, walker].allSatisfy { reader in
            agree("query \(request)", reader) { (it) throws(Fault) in
              try Self.pages(request, it, of: product)
            }
          }
          && agree("query in steps \(request)", stepper) { (it) throws(Fault) in
            try Self.pages(request, it, of: product).flatMap(\.verdicts)
          }
        if !isSame { return false }
      }
    }
    return ["x", "n.0.", "h.5.", "n.5.zz", "n.x."].allSatisfy { token in
      agree("token \(token)") { (it) throws(Fault) in
        try it.query(QueryVerdictsRequest(after: token), of: product)
      }
    }
  }

  /// Each of what can be asked for, or not.
  private mutating func anyFilter() -> QueryVerdictsRequest {
    func pick<T>(_ values: [T]) -> T? {
      Bool.random(using: &random) ? values.randomElement(using: &random) : nil
    }
    return QueryVerdictsRequest(
      runId: pick(["run0", "run1"]) ?? "", subjectKind: pick(["entity", "house"]) ?? "",
      rubricHash: pick(["rubric0", "rubric1"]) ?? "", model: pick(["m0", "m1"]) ?? "",
      scoreLeast: pick([-.infinity, 0.5, 1.5, 2]), scoreMost: pick([4.5, 3.5, 2, .infinity]))
  }

  /// Every page; the answer has no more of them than the store has verdicts.
  private static func pages(
    _ request: QueryVerdictsRequest, _ store: any StoreReading, of product: ProductScope
  ) throws(Fault) -> [QueryVerdictsResponse] {
    var request = request
    var pages: [QueryVerdictsResponse] = []
    repeat {
      pages.append(try store.query(request, of: product))
      request.after = pages.last?.next ?? ""
    } while !request.after.isEmpty && pages.count < 1_000
    return pages
  }
}
