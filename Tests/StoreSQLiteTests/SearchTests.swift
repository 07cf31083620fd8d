import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import TestSupport
import Testing

/// What a page of a search may cost.
@Suite(.timeLimit(.minutes(2))) struct SearchTests {
  private static let orders: [QueryVerdictsRequest.Order] = [.newest, .oldest, .highest, .lowest]

  /// Verdicts of two kinds in one run, a hundred; the third of them is another model's.
  private func withMany(
    _ limits: SearchLimits, _ body: (StoreFixture, SQLiteReader) throws -> Void
  ) async throws {
    try await StoreFixture.with { fixture in
      try fixture.start(units: 100)
      for index in 0..<100 {
        var fact = fixture.verdict(index, score: Double(index % 7))
        if case .unit(var change) = fact {
          if index == 2 { change.verdict?.model = "rare" }
          if index % 2 == 1 { change.verdict?.subject?.kind = "house" }
          fact = .unit(change)
        }
        try fixture.commit("c\(index)", [fact])
      }
      var store = fixture.store
      store.searchLimits = limits
      try body(fixture, try store.openReader())
    }
  }

  @Test(arguments: ["", "entity", "house"], ["", "run"])
  func `a page ends after its looks, found or not, and the next goes on from there`(
    _ kind: String, _ run: String
  ) async throws {
    var limits = SearchLimits()
    limits.sortedMax = 10
    limits.looksMax = 20
    try await withMany(limits) { fixture, reader in
      for order in Self.orders {
        var request = QueryVerdictsRequest(
          runId: run, subjectKind: kind, model: "rare", order: order)
        var found: [String] = []
        var pages = 0
        repeat {
          let page = try reader.query(request, of: fixture.product)
          pages += 1
          found += page.verdicts.map(\.id)
          request.after = page.next
        } while !request.after.isEmpty && pages < 1_000
        #expect(found == (kind == "house" ? [] : ["run/v2"]))
        #expect((3...101).contains(pages), "\(order): \(pages)")
      }
    }
  }

  @Test func `what is few is found on one page, however much else there is`() async throws {
    var limits = SearchLimits()
    limits.sortedMax = 200
    limits.looksMax = 20
    try await withMany(limits) { fixture, reader in
      for order in Self.orders {
        let request = QueryVerdictsRequest(
          runId: order == .highest || order == .lowest ? "run" : "", model: "rare", order: order)
        let page = try reader.query(request, of: fixture.product)
        #expect(page.verdicts.map(\.id) == ["run/v2"] && page.next.isEmpty)
      }
    }
  }
}
