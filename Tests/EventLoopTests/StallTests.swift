import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct StallTests {
  @Test func `a job that holds the loop is reported with its label and for how long`() async throws
  {
    let stalls = Shelf<[Stall]>([])
    let limits = EventLoopLimits(
      stallLimit: .milliseconds(50), onStall: { stall in stalls.change { $0.append(stall) } })
    try await withLoop("io", limits: limits) { loop in
      await Task(executorPreference: loop.labelled("quick")) {}.value
      await Task(executorPreference: loop.labelled("assay.store.v1.Store/Commit")) {
        await Task.yield()
        holdThread(milliseconds: 120)
      }.value
      try await loop.perform { holdThread(milliseconds: 120) }
      try await loop.perform {
        _ = loop.schedule(after: .milliseconds(1)) { holdThread(milliseconds: 120) }
      }
      try await loop.wait("three stalls") { stalls.value.count >= 3 }
      #expect(
        stalls.value.map(\.label) == ["assay.store.v1.Store/Commit", "execute", "timers"])
      for stall in stalls.value {
        #expect(stall.loop == "io")
        #expect(stall.held >= .milliseconds(100))
        #expect(stall.held < .seconds(20))
      }
    }
  }

  @Test func `a loop that only waits is not reported`() async throws {
    let stalls = Shelf(0)
    let limits = EventLoopLimits(
      stallLimit: .milliseconds(50), onStall: { _ in stalls.change { $0 += 1 } })
    try await withLoop(limits: limits) { loop in
      for _ in 0..<3 { try await loop.sleep(for: .milliseconds(120)) }
      await Task(executorPreference: loop) { try? await loop.sleep(for: .milliseconds(120)) }.value
    }
    #expect(stalls.value == 0)
  }
}
