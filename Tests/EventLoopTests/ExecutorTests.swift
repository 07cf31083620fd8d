import EventLoop
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExecutorTests {
  @Test func `a task that prefers the loop stays on its thread across awaits`() async throws {
    try await withLoop { loop in
      let executors: [any TaskExecutor] = [loop, loop.labelled("method")]
      for executor in executors {
        let stayed = await Task(executorPreference: executor) {
          var stayed = [loop.isCurrent]
          await Task.yield()
          stayed.append(loop.isCurrent)
          try? await loop.sleep(for: .milliseconds(1))
          stayed.append(loop.isCurrent)
          await Elsewhere().visit()
          stayed.append(loop.isCurrent)
          await concurrentWork()
          stayed.append(loop.isCurrent)
          async let child = loop.isCurrent
          stayed.append(await child)
          return stayed
        }.value
        #expect(stayed == [true, true, true, true, true, true])
      }
    }
  }

  @Test func `groups and scopes that prefer the loop keep it, as often as they end`() async throws {
    try await withLoop { loop in
      let executors: [any TaskExecutor] = [loop, loop.labelled("method")]
      for executor in executors {
        let stayed = await withTaskGroup(of: Bool.self) { group in
          for _ in 0..<200 {
            group.addTask(executorPreference: executor) {
              await Task.yield()
              return loop.isCurrent
            }
          }
          return await group.allSatisfy { $0 }
        }
        #expect(stayed)
        for _ in 0..<200 {
          let isHome = await withTaskExecutorPreference(executor) { await isCurrent(loop) }
          #expect(isHome)
        }
      }
    }
  }

  @Test func `an actor whose executor is the loop runs on its thread`() async throws {
    try await withLoop { loop in
      let resident = Resident(loop)
      #expect(!loop.isCurrent)
      #expect(await resident.isHome())
      #expect(await resident.goOutAndComeBack())
      let inside = try await loop.perform { resident.assumeIsolated { $0.count } }
      #expect(inside == 2)
    }
  }

  @Test func `a labelled task and an actor of the loop meet on one thread`() async throws {
    try await withLoop { loop in
      let resident = Resident(loop)
      let stayed = await Task(executorPreference: loop.labelled("m")) {
        var stayed: [Bool] = []
        for _ in 0..<10 {
          stayed.append(await resident.isHome())
          stayed.append(loop.isCurrent)
        }
        return stayed
      }.value
      #expect(!stayed.contains(false))
    }
  }

  @Test func `ten thousand executes of four threads keep each thread's order`() async throws {
    try await withLoop { loop in
      let seen = OnLoop([[Int]](repeating: [], count: 4))
      await withTaskGroup(of: Void.self) { group in
        for thread in 0..<4 {
          group.addTask {
            await withCheckedContinuation { continuation in
              BlockingThread { continuation.resume() }.run {
                for number in 0..<10_000 {
                  loop.execute { seen.value[thread].append(number) }
                }
              }
            }
          }
        }
      }
      let all = try await loop.perform { seen.value }
      for numbers in all { #expect(numbers == Array(0..<10_000)) }
    }
  }

  @Test func `work handed over on the loop never runs before execute returns`() async throws {
    try await withLoop { loop in
      let order = Shelf<[String]>([])
      try await loop.perform {
        loop.execute { order.change { $0.append("work") } }
        order.change { $0.append("returned") }
      }
      try await loop.perform {}
      #expect(order.value == ["returned", "work"])
    }
  }

  @Test func `jobs beyond the bound of a turn still run, and timers run in between`() async throws {
    let limits = EventLoopLimits(jobsPerTurnMax: 8)
    try await withLoop(limits: limits) { loop in
      let rounds = Shelf(0)
      let atTimer = Shelf(-1)
      try await loop.perform {
        loop.schedule(after: .milliseconds(5)) { atTimer.value = rounds.value }
        @Sendable func again() {
          rounds.change { $0 += 1 }
          if atTimer.value < 0 { loop.execute(again) }
        }
        again()
      }
      try await loop.wait("the timer fires although jobs never run out") { atTimer.value > 0 }
    }
  }

  @Test func `an object is told once of the end of a turn, after the ready jobs`() async throws {
    try await withLoop { loop in
      let log = Shelf<[String]>([])
      let items = (0..<40).map { number in
        OnLoop(Ending { log.change { $0.append("end \(number)") } })
      }
      try await loop.perform {
        for item in items {
          loop.atEndOfTurn(item.value)
          loop.atEndOfTurn(item.value)
        }
        loop.execute { log.change { $0.append("job") } }
        loop.atEndOfTurn(items[0].value)
        loop.atEndOfTurn(items[39].value)
      }
      try await loop.perform {}
      #expect(log.value == ["job"] + (0..<40).map { "end \($0)" })
      try await loop.perform { loop.atEndOfTurn(items[3].value) }
      try await loop.perform {}
      #expect(log.value.last == "end 3")
      #expect(log.value.count == 42)
    }
  }

  @Test func `labels beyond the limit share the loop's own`() async throws {
    let stalls = Shelf<[Stall]>([])
    let limits = EventLoopLimits(
      stallLimit: .milliseconds(250), onStall: { stall in stalls.change { $0.append(stall) } },
      labelsMax: 2)
    try await withLoop("narrow", limits: limits) { loop in
      for label in ["first", "second"] {
        await Task(executorPreference: loop.labelled(label)) { holdThread(milliseconds: 500) }.value
      }
      try await loop.perform {}
      #expect(stalls.value.map(\.label) == ["first", "narrow"])
    }
  }
}

/// Keeps its thread busy for a bounded time, as a handler with a bug would.
func holdThread(milliseconds: Int) {
  let end = ContinuousClock.now + .milliseconds(milliseconds)
  while ContinuousClock.now < end {}
}

@concurrent private func concurrentWork() async {}

@concurrent private func isCurrent(_ loop: EventLoop) async -> Bool { loop.isCurrent }

private actor Elsewhere {
  func visit() {}
}

private actor Resident {
  private let loop: EventLoop
  private(set) var count = 0

  init(_ loop: EventLoop) { self.loop = loop }

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }

  func isHome() -> Bool {
    count += 1
    return loop.isCurrent
  }

  func goOutAndComeBack() async -> Bool {
    count += 1
    await Elsewhere().visit()
    try? await loop.sleep(for: .milliseconds(1))
    return loop.isCurrent
  }
}

private final class Ending: TurnEnding {
  let body: () -> Void

  init(_ body: @escaping () -> Void) { self.body = body }

  func turnEnded() { body() }
}
