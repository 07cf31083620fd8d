import EventLoop
import Glibc
import Lifecycle
import Locking
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct LifecycleTests {
  /// What happened, in order.
  private final class Journal: Sendable {
    private let lines = Lock<[String]>([])

    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  private struct Broken: Error {}

  private let journal = Journal()

  /// A part that runs until it is told to stop.
  private func part(_ name: String, atStart: @escaping @Sendable () -> Void = {}) -> LifecycleMember
  {
    LifecycleMember(name) { [journal] in
      journal.note("\(name) starts")
      atStart()
      await ShutdownSignal.current?.wait()
      journal.note("\(name) stops")
    }
  }

  private func withLoop<R>(_ body: (EventLoop) async throws -> R) async throws -> R {
    let loop = try EventLoop(name: "lifecycle")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    return try await body(loop)
  }

  @Test func `parts start in order and stop in the opposite one`() async throws {
    let outcome = try await withLoop { loop in
      let lifecycle = Lock<Lifecycle?>(nil)
      let stopper = part("third") { lifecycle.withLock { $0 }?.stop() }
      let all = Lifecycle([part("first"), part("second"), stopper], on: loop, logger: .silent)
      lifecycle.withLock { $0 = all }
      defer { lifecycle.withLock { $0 = nil } }
      return try await all.run()
    }
    #expect(outcome.reason == .request)
    #expect(outcome.exitCode == 0)
    #expect(
      journal.all == [
        "first starts", "second starts", "third starts", "third stops", "second stops",
        "first stops",
      ])
  }

  @Test func `the failure of one stops all`() async throws {
    let outcome = try await withLoop { loop in
      let failing = LifecycleMember("failing") { throw Broken() }
      return try await Lifecycle([part("a"), failing, part("b")], on: loop, logger: .silent).run()
    }
    #expect(outcome.reason == .member("failing"))
    #expect(outcome.failures.map(\.name) == ["failing"])
    #expect(outcome.failures.first?.error is Broken)
    #expect(outcome.exitCode == 1)
    #expect(Set(journal.all) == ["a starts", "b starts", "a stops", "b stops"])
  }

  @Test func `parts run on the loop and nothing is left behind`() async throws {
    try await withLoop { loop in
      let member = LifecycleMember("one", mayEnd: true) { [journal] in
        journal.note(loop.isCurrent ? "on the loop" : "elsewhere")
      }
      let outcome = try await Lifecycle([member], on: loop, logger: .silent).run()
      #expect(outcome.reason == .done)
      #expect(outcome.exitCode == 0)
      let none = try await Lifecycle([], on: loop, logger: .silent).run()
      #expect(none.reason == .done)
    }
    #expect(journal.all == ["on the loop"])
  }

  @Test func `the cancellation of the task around it is a request to stop`() async throws {
    let outcome = try await withLoop { loop in
      let task = Task {
        try await Lifecycle([part("a"), part("b")], on: loop, logger: .silent).run()
      }
      task.cancel()
      return try await task.value
    }
    #expect(outcome.reason == .request)
    #expect(journal.all.suffix(2) == ["b stops", "a stops"])
  }

  @Test func `a part that does not stop is cancelled, and the others with it`() async throws {
    let limits = LifecycleLimits(stopWithin: .seconds(20), cancelAfter: .milliseconds(30))
    let outcome = try await withLoop { loop in
      let deaf = LifecycleMember("deaf") { try await loop.sleep(for: .seconds(60)) }
      let all = Lifecycle([part("a"), deaf], on: loop, limits: limits, logger: .silent)
      all.stop()
      return try await all.run()
    }
    #expect(outcome.reason == .request)
    #expect(outcome.exitCode == 0)
    #expect(journal.all == ["a starts", "a stops"])
  }

  @Test func `a part that hears nothing ends with the process, and the log names it`() async throws
  {
    let limits = LifecycleLimits(stopWithin: .milliseconds(60), cancelAfter: .milliseconds(20))
    let codes = Lock<[Int32]>([])
    let lines = Lock("")
    let logger = Logger(
      service: "s", instance: "i",
      to: LogSink { line in lines.withLock { $0 += String(decoding: line, as: UTF8.self) } })
    try await withLoop { loop in
      let (release, ended) = (ShutdownSignal(), ShutdownSignal())
      let stuck = LifecycleMember("stuck") {
        // Neither the shutdown signal nor cancellation reaches this.
        await Task { await release.wait() }.value
        ended.request()
      }
      let all = Lifecycle(
        [part("a"), stuck], on: loop, limits: limits, logger: logger,
        exit: { code in codes.withLock { $0.append(code) } })
      all.stop()
      _ = try await all.run()
      release.request()
      await ended.wait()
    }
    #expect(codes.withLock { $0 } == [1])
    let log = lines.withLock { $0 }
    #expect(log.contains("\"label\":\"a,stuck\"") || log.contains("\"label\":\"stuck\""))
    #expect(log.contains("\"limit\":\"stopWithin\""))
  }

  @Test func `a block runs the loop on the calling thread until its body returns`() throws {
    let loop = try EventLoop(name: "block")
    let answer = Lifecycle.block(on: loop) { loop.isCurrent ? 42 : 0 }
    #expect(answer == 42)
  }
}
