import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import TestSupport
import Testing

/// The log is the truth: whoever knows a run at any moment and reads on knows what it became.
@Suite(.timeLimit(.minutes(2))) struct ReplayTests {
  /// What the log says of a run and of its units.
  private struct Seen: Equatable {
    var state = RunState.unspecified
    var requested = RunRequest.unspecified
    var generation: UInt32 = 0
    var units: [String: UnitState] = [:]
    var verdicts: [String: String] = [:]
    var planned: Int64 = 0
    var attempts: Int64 = 0

    mutating func take(_ event: Event) {
      switch event.fact?.kind {
      case .run(let change):
        if requested == .resume, state.isResumable, change.state == .running { generation += 1 }
        state = change.state
        if change.requested != .unspecified { requested = change.requested }
        if change.requested == .unspecified, requested.isAnswered(by: state) {
          requested = .unspecified
        }
      case .planned(let planned): self.planned += planned.count
      case .unit(let change):
        units[change.unitId] = change.state
        verdicts[change.unitId] = change.verdict?.id ?? change.verdictId
      case .attempt: attempts += 1
      default: break
      }
    }
  }

  @Test func `reading on from any event gives what reading from the first gives`() async throws {
    var random = SeededRandom("replay")
    try await StoreFixture.with { fixture in
      let model = StoreModel()
      var orders = RandomOrders(
        random: SeededRandom(seed: random.next()), product: fixture.product, model: model)
      for now in 0..<4_000 as Range<Int64> {
        guard case .success(let order) = orders.next() else { continue }
        _ = model.write([order], atMicroseconds: now)
        _ = fixture.writer.write([order], atMicroseconds: now)
      }
      for id in ["run0", "run1", "run2"] {
        guard let run = try fixture.reader.run(id, of: fixture.product).run else { continue }
        let events = try fixture.reader.events(
          of: id, after: 0, countMax: 100_000, of: fixture.product)
        #expect(events.map(\.seq) == Array(1...run.lastSeq))
        var states = [Seen()]
        for event in events {
          states.append(states[states.count - 1])
          states[states.count - 1].take(event)
        }
        let last = try #require(states.last)
        #expect(last.state == run.state && last.requested == run.requested)
        #expect(last.generation == run.generation)
        #expect(last.planned == run.totals?.planned && last.attempts == run.totals?.attempts)
        for k in stride(from: 0, to: events.count, by: 7) {
          var seen = states[k]
          for event in try fixture.reader.events(
            of: id, after: Int64(k), countMax: 100_000, of: fixture.product)
          {
            seen.take(event)
          }
          #expect(seen == last)
        }
        let units = try fixture.reader.units(
          ReadUnitsRequest(runId: id, afterOrdinal: -1, limit: 1_000), of: fixture.product
        ).units
        for unit in units {
          #expect((last.units[unit.id] ?? .open) == unit.state)
          #expect((last.verdicts[unit.id] ?? "") == unit.verdictId)
        }
      }
    }
  }
}
