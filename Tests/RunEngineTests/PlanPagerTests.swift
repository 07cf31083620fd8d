import Faults
import OrchestratorContract
import RunEngine
import ScoreContract
import Testing

@Suite struct PlanPagerTests {
  private func walk(
    _ texts: [String], limit: UInt32 = 0, workload: ScriptedWorkload = ScriptedWorkload()
  ) throws -> PlanWalk {
    PlanWalk(try workload.plan(ScriptedWorkload.spec(texts)), limit: limit)
  }

  /// All pages, with these keys known to Store; planning is begun anew before each page.
  private func pages(_ walk: PlanWalk, cached: Set<String> = [], forced: Bool = false) -> [PlanPage]
  {
    var pages: [PlanPage] = []
    var next: Int64 = 0
    while next < walk.count {
      var pager = PlanPager(walk, isForced: forced)
      pager.resume(at: next)
      let draft = pager.draft()
      let verdicts = draft.keys.filter(cached.contains).map { Verdict(id: "v \($0)", unitKey: $0) }
      let page = pager.page(of: draft, verdicts: verdicts)
      pager.accept(page)
      pages.append(page)
      next = pager.next
    }
    return pages
  }

  @Test func `pages join without a gap and never cut a batch`() throws {
    var workload = ScriptedWorkload()
    workload.unitsMax = 5
    let pages = pages(try walk((0..<1_003).map { "ok \($0)" }, workload: workload))
    let units = pages.flatMap(\.units)
    #expect(units.map(\.ordinal) == (0..<1_003).map { Int64($0) })
    #expect(Set(units.map(\.batch)).count == 201)
    #expect(pages.allSatisfy { $0.units.count <= EngineLimits.pageUnitsMax })
    for (page, next) in zip(pages, pages.dropFirst()) {
      #expect(page.units.last?.batch != next.units.first?.batch)
    }
  }

  @Test func `cached units are skipped and leave no hole in a batch`() throws {
    var workload = ScriptedWorkload()
    workload.unitsMax = 2
    let pages = pages(
      try walk(["ok a", "ok b", "ok c", "ok d"], workload: workload), cached: ["key ok b"])
    #expect(pages.flatMap(\.units).map(\.batch) == ["0", "", "0", "3"])
    #expect(pages.flatMap(\.units)[1].verdictId == "v key ok b")
  }

  @Test func `force asks again for what is cached`() throws {
    let pages = pages(try walk(["ok a", "ok b"]), cached: ["key ok b"], forced: true)
    #expect(pages.flatMap(\.units).allSatisfy { $0.state == .open })
  }

  @Test func `the second unit with a key follows the first, pages apart too`() throws {
    let texts = ["ok same"] + (0..<600).map { "ok \($0)" } + ["ok same"]
    let units = pages(try walk(texts)).flatMap(\.units)
    #expect(units.last?.batch == RunNames.followerBatch)
    #expect(units.dropLast().allSatisfy { $0.batch != RunNames.followerBatch })
  }

  @Test func `a limit plans the first units only`() throws {
    let walk = try walk((0..<10).map { "ok \($0)" }, limit: 3)
    #expect(walk.count == 3 && walk.beyondLimit == 7)
    #expect(pages(walk).flatMap(\.units).count == 3)
  }

  @Test func `stages never share a batch, and an empty stage is none`() throws {
    var workload = ScriptedWorkload()
    workload.stageCounts = [3, 0, 2]
    let units = pages(try walk((0..<5).map { "ok \($0)" }, workload: workload)).flatMap(\.units)
    #expect(units.map(\.stage) == [0, 0, 0, 2, 2])
    #expect(units.map(\.batch) == ["0", "0", "0", "3", "3"])
  }

  @Test func `a page whose units are all cached but one still ends`() throws {
    let texts = (0..<300).map { "ok \($0)" }
    let cached = Set(texts.dropFirst().map { "key \($0)" })
    #expect(pages(try walk(texts), cached: cached).flatMap(\.units).count == 300)
  }
}
