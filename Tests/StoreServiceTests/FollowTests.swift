import EventLoop
import Faults
import RPC
import ScoreContract
import StoreContract
import Testing

@Suite(.timeLimit(.minutes(2))) struct FollowTests {
  typealias Place = StoreFixture.Place

  private func follow(
    _ client: StoreClient, _ run: String = "r1", after seq: Int64 = 0, batchMax: UInt32 = 0
  ) async throws -> [Event] {
    let request = ReadEventsRequest(
      runId: run, afterSeq: seq, follow: true, batchMax: batchMax)
    var events: [Event] = []
    for try await message in client.readEvents(request) {
      if batchMax > 0 { #expect(message.events.count <= Int(batchMax)) }
      events += message.events
    }
    return events
  }

  /// Commits notes from several tasks at once, then ends the run.
  private func work(_ client: StoreClient, _ lease: Lease, notes: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for note in 0..<notes {
            _ = try await client.commit(
              Facts.commit("n-\(writer)-\(note)", [Facts.note("\(note)")], under: lease))
          }
        }
      }
      try await group.waitForAll()
    }
    _ = try await client.commit(
      Facts.commit("end", [Facts.state(.cancelled)], under: lease))
  }

  @Test(arguments: Place.allCases)
  func `followers see every event once and in order while others write`(
    _ place: Place
  ) async throws {
    try await StoreFixture.with(place) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(by: try await fixture.replica(client))
      let total: Int64 = 5 + 8 * 50 + 1
      try await withThrowingTaskGroup(of: [Int64].self) { group in
        for index in 0..<24 {
          group.addTask {
            let from = index % 2 == 0 ? 0 : Int64(index % 5)
            let seen = try await follow(
              client, after: from, batchMax: index % 3 == 0 ? 7 : 0)
            return [from] + seen.map(\.seq)
          }
        }
        group.addTask {
          try await work(client, lease, notes: 50)
          return []
        }
        for try await seen in group {
          guard let from = seen.first else { continue }
          #expect(Array(seen.dropFirst()) == Array(from + 1...total))
        }
      }
      // One that comes when all is over hears the same, and ends too.
      #expect(try await follow(client).count == Int(total))
    }
  }

  @Test func `a follower that reads nothing for long loses nothing and costs no memory`()
    async throws
  {
    try await StoreFixture.with(.fileOverSocket) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(by: try await fixture.replica(client))
      let stream = client.readEvents(ReadEventsRequest(runId: "r1", follow: true, batchMax: 5))
      let first = try await stream.next()?.events ?? []
      try await work(client, lease, notes: 60)
      var seen = first.map(\.seq)
      while let message = try await stream.next() { seen += message.events.map(\.seq) }
      #expect(seen == Array(1...(5 + 8 * 60 + 1)))
    }
  }

  @Test func `a resumed run is followed past its first end`() async throws {
    try await StoreFixture.with(.fileInProcess) { fixture in
      let client = try fixture.client()
      let lease = try await client.runAtWork(units: 1, by: try await fixture.replica(client))
      _ = try await client.commit(
        Facts.commit("end", [Facts.state(.cancelled)], under: lease))
      #expect(try await follow(client).last?.seq == 6)
      _ = try await client.requestOfRun(RequestOfRunRequest(runId: "r1", request: .resume))
      _ = try await client.commit(Facts.commit("on", [Facts.state(.running)], under: lease))
      async let seen = follow(client)
      _ = try await client.commit(
        Facts.commit("end2", [Facts.success(0), Facts.state(.completed)], under: lease))
      #expect(try await seen.map(\.seq) == Array(1...10))
    }
  }

  @Test func `a store that stops ends its followers with a word to come again`() async throws {
    try await StoreFixture.with(.fileInProcess) { fixture in
      let client = try fixture.client()
      _ = try await client.createRun(Facts.run())
      let stream = client.readEvents(ReadEventsRequest(runId: "r1", follow: true))
      #expect(try await stream.next()?.events.count == 1)
      await fixture.stop()
      let end = await fault { _ = try await stream.next() }
      #expect(end?.code == .unavailable && end?.reason == "SHUTTING_DOWN")
    }
  }
}
