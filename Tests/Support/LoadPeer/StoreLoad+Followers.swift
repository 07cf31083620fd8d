import EventLoop
import Glibc
import JSON
import RPC
import ScoreContract
import StoreContract

extension StoreLoad {
  /// Many follow one run while it gets so many events a second; how late each hears of each, from
  /// the time that the store gave the event, its sync to the disk included.
  func followers(_ count: Int, perSecond: Int, seconds: Int) async throws -> JSONValue {
    let desk = try await desk("follow\(loop.nowNanoseconds)", units: 1, session: try await attend())
    let total = Int64(perSecond * seconds)
    return try await withThrowingTaskGroup(of: Times.self) { group in
      for _ in 0..<count {
        group.addTask(executorPreference: loop) { try await follow(desk, to: total) }
      }
      try await loop.sleep(for: .seconds(1))
      let begun = loop.nowNanoseconds
      let step = 1_000_000_000 / UInt64(max(1, perSecond))
      for note in 0..<total {
        let due = begun + UInt64(note) * step
        let now = loop.nowNanoseconds
        if due > now { try await loop.sleep(for: .nanoseconds(Int64(due - now))) }
        // Not waited for: the rate is kept whatever a commit takes.
        group.addTask(executorPreference: loop) {
          try await commit(desk, "n\(note)", [Fact(kind: .note(Note(code: "TICK", text: "x")))])
          return Times()
        }
      }
      let times = try await group.reduce(into: Times()) { $0.add($1) }
      return [
        "followers": .number(count), "heard": .number(times.values.count),
        "wanted": .number(count * Int(total)), "p50_us": .number(times.percentile(0.5)),
        "p99_us": .number(times.percentile(0.99)),
      ]
    }
  }

  private func follow(_ desk: Desk, to total: Int64) async throws -> Times {
    var times = Times()
    var heard: Int64 = 0
    for try await message in store.readEvents(
      ReadEventsRequest(runId: desk.runID, afterSeq: 0, follow: true))
    {
      var now = timespec()
      unsafe clock_gettime(CLOCK_REALTIME, &now)
      let micros = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
      for event in message.events {
        guard case .note = event.fact?.kind else { continue }
        times.add(nanoseconds: UInt64(max(0, micros - event.atUs)) * 1000)
        heard += 1
      }
      if heard == total { break }
    }
    return times
  }
}
