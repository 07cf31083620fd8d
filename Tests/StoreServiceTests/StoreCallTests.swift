import Faults
import GRPCFormat
import RPC
import ScoreContract
import StoreBackend
import StoreContract
import Testing

@Suite(.timeLimit(.minutes(2))) struct StoreCallTests {
  typealias Place = StoreFixture.Place

  @Test(arguments: Place.allCases)
  func `a run is made, worked on and read back`(_ place: Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let replica = try await fixture.replica(client)
      let created = try await client.createRun(Facts.run())
      #expect(created.run?.state == .pending && !created.isReplay)
      #expect(try await client.createRun(Facts.run()).isReplay)
      let lease = try await replica.acquire("r1")
      let planned = try await client.commit(Facts.commit("c1", Facts.plan(3), under: lease))
      #expect(planned.firstSeq == 2 && planned.lastSeq == 5)
      let scored = try await client.commit(
        Facts.commit("c2", [Facts.success(0), Facts.success(1)], under: lease))
      #expect(scored.lastSeq == 7)
      let again = try await client.commit(
        Facts.commit("c2", [Facts.success(0), Facts.success(1)], under: lease))
      #expect(again.isReplay && again.lastSeq == 7)

      let run = try await client.getRun(GetRunRequest(runId: "r1"))
      #expect(run.run?.totals?.succeeded == 2 && run.run?.state == .running)
      #expect(run.stages.map(\.name) == ["score"])
      let units = try await client.readUnits(
        ReadUnitsRequest(runId: "r1", afterOrdinal: -1, states: [.succeeded]))
      #expect(units.units.map(\.id) == ["u0", "u1"] && units.isLast)
      #expect(try await client.events(of: "r1").map(\.seq) == Array(1...7))
      #expect(try await client.listRuns(ListRunsRequest()).runs.map(\.id) == ["r1"])
    }
  }

  @Test(arguments: Place.allCases)
  func `verdicts are found by key, by subject, in their history and by filter`(
    _ place: Place
  ) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(units: 450, by: try await fixture.replica(client))
      for start in stride(from: 0, to: 450, by: 150) {
        let facts = (start..<start + 150).map { Facts.success($0) }
        _ = try await client.commit(Facts.commit("c\(start)", facts, under: lease))
      }
      let found = try await client.lookupVerdicts(
        LookupVerdictsRequest(unitKeys: ["key-r1-7", "nothing"]))
      #expect(found.verdicts.map(\.id) == ["v-r1-7"])

      var latest: [String] = []
      for try await batch in client.latestVerdicts(LatestVerdictsRequest(subjectKind: "entity")) {
        latest += batch.verdicts.map { $0.subject?.id ?? "" }
      }
      #expect(latest.count == 450 && latest == latest.sorted() && Set(latest).count == 450)

      var history: [Verdict] = []
      let asked = VerdictHistoryRequest(subjectKind: "entity", subjectId: "s9")
      for try await batch in client.verdictHistory(asked) { history += batch.verdicts }
      #expect(history.map(\.id) == ["v-r1-9"])

      let high = try await client.queryVerdicts(
        QueryVerdictsRequest(runId: "r1", scoreLeast: 224, order: .highest, limit: 10))
      #expect(high.verdicts.map(\.id) == ["v-r1-449", "v-r1-448"])
    }
  }

  @Test(arguments: Place.allCases)
  func `rubrics and labels are kept once`(_ place: Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let rubric = Rubric(hash: "h", name: "n", version: 1, body: Array("{}".utf8))
      #expect(try await !client.putRubric(PutRubricRequest(rubric: rubric)).wasKnown)
      #expect(try await client.putRubric(PutRubricRequest(rubric: rubric)).wasKnown)
      #expect(try await client.getRubric(GetRubricRequest(hash: "h")).rubric?.name == "n")
      let label = Label(
        id: "l", subject: SubjectRef(kind: "entity", id: "s"), rubricName: "n", rater: "me",
        value: Value(kind: .truth(.true)))
      let put = try await client.putLabels(PutLabelsRequest(labels: [label]))
      #expect(put.added == 1 && put.known == 0)
      #expect(try await client.listLabels(ListLabelsRequest(rubricName: "n")).labels.count == 1)
    }
  }

  @Test(arguments: Place.allCases)
  func `what is another product's is as unknown as what never was`(_ place: Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let theirs = StoreFixture.product("theirs")
      _ = try await client.createRun(Facts.run(), options: theirs)
      let foreign = await fault { _ = try await client.getRun(GetRunRequest(runId: "r1")) }
      let never = await fault { _ = try await client.getRun(GetRunRequest(runId: "r2")) }
      #expect(foreign?.code == .notFound && never?.code == .notFound)
      #expect(foreign?.reason == never?.reason)
      #expect(try await client.getRun(GetRunRequest(runId: "r1"), options: theirs).run != nil)
      let events = await fault { _ = try await client.events(of: "r1") }
      #expect(events?.reason == "UNKNOWN_RUN")
      let bad = await fault {
        _ = try await client.listRuns(ListRunsRequest(), options: StoreFixture.product("No Name"))
      }
      #expect(bad?.reason == "BAD_PRODUCT")
      var twice = StoreFixture.product("a")
      twice.metadata.add("assay-product", "b")
      let both = await fault { _ = try await client.listRuns(ListRunsRequest(), options: twice) }
      #expect(both?.reason == "BAD_PRODUCT")
    }
  }

  @Test(arguments: [-1, 2, .max] as [Int64])
  func `a cursor that the log never had is refused`(_ cursor: Int64) async throws {
    try await StoreFixture.with(.fileOverSocket) { fixture in
      let client = try fixture.client()
      _ = try await client.createRun(Facts.run())
      for follow in [false, true] {
        let refused = await fault {
          for try await _ in client.readEvents(
            ReadEventsRequest(runId: "r1", afterSeq: cursor, follow: follow))
          {}
        }
        #expect(refused?.code == .outOfRange && refused?.reason == "BAD_CURSOR")
      }
    }
  }
}
