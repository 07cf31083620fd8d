import EventLoop
import Faults
import Glibc
import RPC
import StoreBackend
import StoreContract
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import StoreService

private final class Counts: Sendable {
  let begun = Atomic<Int>(0)
  let refused = Atomic<Int>(0)
}

@Suite(.timeLimit(.minutes(1))) struct ReaderPoolTests {
  private func withPool(
    _ body: (ReaderPool, EventLoop) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "readers")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let pool = ReaderPool(on: loop, metrics: StoreMetrics(Metrics()))
    try await pool.open { SharedModel() }
    try await body(pool, loop)
    await pool.close()
    let late = await fault { try await pool.ask(.quick) { _ in } }
    #expect(late?.code == .unavailable)
  }

  @Test func `questions that take long hold up no quick one, and too many are refused`()
    async throws
  {
    try await withPool { pool, loop in
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      let (reading, writing) = (ends[0], ends[1])
      defer {
        close(reading)
        close(writing)
      }
      let counts = Counts()
      try await withThrowingTaskGroup(of: Void.self) { group in
        let count = ReaderLimits.longThreads + ReaderLimits.longWaitingMax
        for _ in 0..<count + 1 {
          group.addTask {
            let fault = await fault {
              try await pool.ask(.long) { _ in
                counts.begun.add(1, ordering: .relaxed)
                var byte: UInt8 = 0
                _ = unsafe Glibc.read(reading, &byte, 1)
              }
            }
            guard let fault else { return }
            #expect(fault.reason == "STORE_BUSY" && fault.retryAfter != nil)
            counts.refused.add(1, ordering: .relaxed)
          }
        }
        try await eventually("the long lane is full", on: loop) {
          counts.begun.load(ordering: .relaxed) == ReaderLimits.longThreads
            && counts.refused.load(ordering: .relaxed) >= 1
        }
        // The long lane stands still; this one does not.
        let unknown = await fault {
          _ = try await pool.ask(.quick) { try $0.run("r", of: .standard) }
        }
        #expect(unknown?.reason == "UNKNOWN_RUN")
        let bytes = [UInt8](repeating: 0, count: count)
        _ = unsafe Glibc.write(writing, bytes, bytes.count)
        try await group.waitForAll()
      }
    }
  }

  @Test func `a question whose call is out of time is not asked`() async throws {
    try await withPool { pool, loop in
      let counts = Counts()
      let past = loop.nowNanoseconds
      let late = await fault {
        try await CallDeadline.$nanoseconds.withValue(past) {
          try await pool.ask(.quick) { _ in _ = counts.begun.add(1, ordering: .relaxed) }
        }
      }
      #expect(late?.code == .deadlineExceeded && counts.begun.load(ordering: .relaxed) == 0)
    }
  }
}
