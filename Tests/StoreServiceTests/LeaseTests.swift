import Faults
import RPC
import ScoreContract
import StoreContract
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct LeaseTests {
  typealias Place = StoreFixture.Place

  @Test(arguments: Place.allCases)
  func `a lease is held by one session, and free at once when its stream ends`(
    _ place: Place
  ) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let first = try await fixture.replica(client)
      let second = try await fixture.replica(client)
      let lease = try await first.acquire("r1")
      #expect(try await first.acquire("r1").token == lease.token)
      let refused = await fault { _ = try await second.acquire("r1") }
      #expect(refused?.code == .failedPrecondition && refused?.reason == "LEASE_HELD")
      #expect(refused?.retryAfter != nil)
      first.stream.cancel()
      try await eventually("the lease is free", on: fixture.clientLoop) {
        await fault { _ = try await second.acquire("r1") } == nil
      }
      #expect(try await second.acquire("r1").token > lease.token)
      let ended = await fault { _ = try await first.renew() }
      #expect(ended?.reason == "SESSION_ENDED")
    }
  }

  @Test(arguments: Place.allCases)
  func `a late commit under a lost lease is refused`(_ place: Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let first = try await fixture.replica(client)
      let second = try await fixture.replica(client)
      let old = try await client.runAtWork(by: first)
      first.stream.cancel()
      try await eventually("the lease is free", on: fixture.clientLoop) {
        await fault { _ = try await second.acquire("r1") } == nil
      }
      let late = await fault {
        _ = try await client.commit(Facts.commit("late", [Facts.success(0)], under: old))
      }
      #expect(late?.code == .aborted && late?.reason == "LEASE_LOST")
      let new = try await second.acquire("r1")
      _ = try await client.commit(Facts.commit("new", [Facts.success(0)], under: new))
      #expect(try await client.getRun(GetRunRequest(runId: "r1")).run?.totals?.succeeded == 1)
    }
  }

  @Test func `a silent session ends after its time, and its stream is told what it lost`()
    async throws
  {
    try await StoreFixture.with(.fileOverSocket) { fixture in
      let client = try fixture.client()
      let silent = try await fixture.replica(client, ttl: .milliseconds(1500))
      let lease = try await silent.acquire("subject/columns/s1")
      guard case .leaseEnded(let ended) = try await silent.told()?.kind else {
        Issue.record("the old holder was not told")
        return
      }
      #expect(ended.name == lease.name && ended.token == lease.token)
      let end = await fault { _ = try await silent.told() }
      #expect(end?.reason == "SESSION_ENDED")
      let other = try await fixture.replica(client)
      #expect(try await other.acquire(lease.name).token > lease.token)
    }
  }

  @Test func `who attends hears of runs without an owner, the owner of what is asked of them`()
    async throws
  {
    try await StoreFixture.with(.fileOverSocket) { fixture in
      let client = try fixture.client()
      _ = try await client.createRun(Facts.run("before"))
      let owner = try await fixture.replica(client)
      guard case .wantsOwner(let first) = try await owner.told()?.kind else {
        Issue.record("an old run was not offered")
        return
      }
      #expect(first.runId == "before" && first.product == "default")
      let lease = try await owner.acquire("before")
      _ = try await client.requestOfRun(RequestOfRunRequest(runId: "before", request: .pause))
      guard case .requested(let asked) = try await owner.told()?.kind else {
        Issue.record("the owner was not asked")
        return
      }
      #expect(asked.runId == "before" && asked.request == .pause)
      let other = try await fixture.replica(client)
      try await owner.release(lease)
      guard case .wantsOwner(let free) = try await other.told()?.kind else {
        Issue.record("a free run was not offered")
        return
      }
      #expect(free.runId == "before")
    }
  }

  @Test(arguments: [Place.fileInProcess, .fileOverSocket])
  func `a store that starts anew keeps facts, and sessions go on`(_ place: Place) async throws {
    try await StoreFixture.with(place) { fixture in
      let before = try await fixture.replica()
      let client = before.client
      let lease = try await client.runAtWork(by: before)
      _ = try await client.commit(Facts.commit("c1", [Facts.success(0)], under: lease))
      let events = try await client.events(of: "r1")
      _ = try await client.requestOfRun(RequestOfRunRequest(runId: "r1", request: .pause))

      try await fixture.restart()
      let told = await fault { while try await before.told() != nil {} }
      #expect(told?.code == .unavailable)
      let other = try await fixture.replica(holder: "other")
      let held = await fault { _ = try await other.acquire("r1") }
      #expect(held?.reason == "LEASE_HELD")
      let after = try await fixture.replica(session: before.session)
      #expect(after.isContinued && after.session == before.session)
      guard case .requested(let missed) = try await after.told()?.kind else {
        Issue.record("what was asked meanwhile is lost")
        return
      }
      #expect(missed.request == .pause)
      #expect(try await after.acquire("r1").token == lease.token)
      _ = try await after.client.commit(Facts.commit("c2", [Facts.success(1)], under: lease))
      #expect(
        try await after.client.events(of: "r1").prefix(events.count).map(\.seq) == events.map(\.seq)
      )
      let again = try await after.client.commit(
        Facts.commit("c1", [Facts.success(0)], under: lease))
      #expect(again.isReplay)
    }
  }

  @Test func `a session that nobody continues frees its leases after its whole time`()
    async throws
  {
    try await StoreFixture.with(.fileInProcess, ttl: .milliseconds(1500)) { fixture in
      let before = try await fixture.replica()
      let token = try await before.acquire("r1").token
      try await fixture.restart()
      let other = try await fixture.replica(ttl: .seconds(60))
      let held = await fault { _ = try await other.acquire("r1") }
      #expect(held?.reason == "LEASE_HELD")
      try await eventually("the lease is free", on: fixture.clientLoop) {
        await fault { _ = try await other.acquire("r1") } == nil
      }
      #expect(try await other.acquire("r1").token > token)
    }
  }
}
