import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct TimerTests {
  @Test func `a thousand timers fire in the order of their deadlines, never early`() async throws {
    try await withLoop { loop in
      // What is known of a deadline: it lies between the clock before and after the call.
      let fired = OnLoop<[(earliest: UInt64, latest: UInt64, at: UInt64)]>([])
      try await loop.perform {
        // A fixed permutation of 0..<1000: 7 and 1000 share no factor.
        for number in (0..<1000).map({ ($0 * 7) % 1000 }) {
          let delay = UInt64(number) * 100_000
          let earliest = loop.nowNanoseconds + delay
          let latest = OnLoop(UInt64.max)
          loop.schedule(after: .nanoseconds(Int64(delay))) {
            fired.value.append((earliest, latest.value, loop.nowNanoseconds))
          }
          latest.value = loop.nowNanoseconds + delay
        }
      }
      try await loop.wait("all fired") { fired.value.count == 1000 }
      let all = try await loop.perform { fired.value }
      #expect(all.allSatisfy { $0.at >= $0.earliest })
      #expect(zip(all, all.dropFirst()).allSatisfy { $0.earliest <= $1.latest })
    }
  }

  @Test func `equal deadlines fire in the order they were made`() async throws {
    try await withLoop { loop in
      let fired = OnLoop<[Int]>([])
      try await loop.perform {
        for number in 0..<500 { loop.schedule(after: .zero) { fired.value.append(number) } }
      }
      try await loop.wait("all fired") { fired.value.count == 500 }
      #expect(try await loop.perform { fired.value } == Array(0..<500))
    }
  }

  @Test func `cancelled timers never fire and the others still do`() async throws {
    try await withLoop { loop in
      let fired = OnLoop<Set<Int>>([])
      let timers = OnLoop<[LoopTimer]>([])
      try await loop.perform {
        for number in 0..<1000 {
          timers.value.append(
            loop.schedule(after: .milliseconds(5 + (number * 13) % 40)) {
              fired.value.insert(number)
            })
        }
        for (number, timer) in timers.value.enumerated() where !number.isMultiple(of: 3) {
          timer.cancel()
          timer.cancel()
        }
      }
      let kept = Set(stride(from: 0, to: 1000, by: 3))
      try await loop.wait("the kept ones fire") { fired.value.count >= kept.count }
      try await loop.sleep(for: .milliseconds(60))
      #expect(try await loop.perform { fired.value } == kept)
      #expect(try await loop.perform { timers.value.allSatisfy { !$0.isArmed } })
    }
  }

  @Test func `a timer may cancel another that is due in the same turn`() async throws {
    try await withLoop { loop in
      let fired = OnLoop<[String]>([])
      try await loop.perform {
        let victim = OnLoop<LoopTimer?>(nil)
        loop.schedule(after: .zero) {
          fired.value.append("first")
          victim.value?.cancel()
        }
        victim.value = loop.schedule(after: .zero) { fired.value.append("victim") }
        loop.schedule(after: .milliseconds(5)) { fired.value.append("last") }
      }
      try await loop.wait("the last fires") { fired.value.contains("last") }
      #expect(try await loop.perform { fired.value } == ["first", "last"])
    }
  }

  @Test func `an earlier timer made later fires first`() async throws {
    try await withLoop { loop in
      let fired = OnLoop<[String]>([])
      try await loop.perform {
        loop.schedule(after: .seconds(3600)) { fired.value.append("hour") }
        loop.schedule(after: .milliseconds(40)) { fired.value.append("forty") }
        loop.schedule(after: .milliseconds(10)) { fired.value.append("ten") }
      }
      try await loop.wait("both fire") { fired.value.count == 2 }
      #expect(try await loop.perform { fired.value } == ["ten", "forty"])
    }
  }

  @Test func `sleep waits its time and not less`() async throws {
    try await withLoop { loop in
      let start = ContinuousClock.now
      try await loop.sleep(for: .milliseconds(30))
      #expect(ContinuousClock.now - start >= .milliseconds(30))
    }
  }

  @Test func `a cancelled sleep throws at once, also when cancelled before`() async throws {
    try await withLoop { loop in
      let started = Shelf(false)
      let sleeping = Task {
        started.value = true
        try await loop.sleep(for: .seconds(3600))
      }
      try await loop.wait("it sleeps") { started.value }
      sleeping.cancel()
      await #expect(throws: CancellationError.self) { try await sleeping.value }
      let late = Task {
        unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
        try await loop.sleep(for: .seconds(3600))
      }
      await #expect(throws: CancellationError.self) { try await late.value }
    }
  }

  @Test func `the end of the loop ends every sleep, and later ones at once`() async throws {
    let loop = try EventLoop(name: "short")
    try loop.start()
    let tasks = (0..<50).map { _ in Task { try await loop.sleep(for: .seconds(3600)) } }
    try await loop.sleep(for: .milliseconds(20))
    await end(loop)
    for task in tasks {
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    await #expect(throws: CancellationError.self) { try await loop.sleep(for: .zero) }
  }
}
