import EventLoop
import Testing

/// The limits are far above what a busy machine takes a thread off its core for.
@Suite(.timeLimit(.minutes(1))) struct StallTests {
  @Test func `a job that holds the loop is reported with its label and for how long`() async throws
  {
    let stalls = Shelf<[Stall]>([])
    let limits = EventLoopLimits(
      stallLimit: .milliseconds(250), onStall: { stall in stalls.change { $0.append(stall) } })
    try await withLoop("io", limits: limits) { loop in
      await Task(executorPreference: loop.labelled("quick")) {}.value
      await Task(executorPreference: loop.labelled("assay.store.v1.Store/Commit")) {
        await Task.yield()
        holdThread(milliseconds: 500)
      }.value
      try await loop.perform { holdThread(milliseconds: 500) }
      try await loop.perform {
        _ = loop.schedule(after: .milliseconds(1)) { holdThread(milliseconds: 500) }
      }
      try await loop.wait("three stalls") { stalls.value.count >= 3 }
      #expect(
        stalls.value.map(\.label) == ["assay.store.v1.Store/Commit", "execute", "timers"])
      for stall in stalls.value {
        #expect(stall.loop == "io")
        #expect(stall.held >= .milliseconds(490))
        #expect(stall.held < .seconds(20))
      }
    }
  }

  @Test func `a loop that only waits is not reported`() async throws {
    let stalls = Shelf(0)
    let limits = EventLoopLimits(
      stallLimit: .milliseconds(250), onStall: { _ in stalls.change { $0 += 1 } })
    try await withLoop(limits: limits) { loop in
      try await loop.sleep(for: .milliseconds(500))
      await Task(executorPreference: loop) { try? await loop.sleep(for: .milliseconds(500)) }.value
    }
    #expect(stalls.value == 0)
  }
}
