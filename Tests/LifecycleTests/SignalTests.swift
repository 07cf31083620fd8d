import EventLoop
import Glibc
import Lifecycle
import Telemetry
import Testing

/// Real signals to real processes: each test body runs in a child of its own.
@Suite(.timeLimit(.minutes(1))) struct SignalTests {
  /// Ends the child as a service's main would.
  static func run(
    _ members: [LifecycleMember], limits: LifecycleLimits = LifecycleLimits(),
    onReload: (@Sendable () -> Void)? = nil
  ) throws -> Never {
    let loop = try EventLoop(name: "main")
    let code = Lifecycle.block(on: loop) {
      let all = Lifecycle(members, on: loop, limits: limits, logger: .silent, onReload: onReload)
      return try? await all.run().exitCode
    }
    exit((code ?? 99) ?? 98)
  }

  static func say(_ line: String) {
    let bytes = [UInt8]((line + "\n").utf8)
    _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
  }

  static func part(
    _ name: String, atStart: @escaping @Sendable () -> Void = {}
  ) -> LifecycleMember {
    LifecycleMember(name) {
      atStart()
      await ShutdownSignal.current?.wait()
      say("\(name) stops")
    }
  }

  /// Hears neither the shutdown signal nor cancellation.
  static func stuck(atStart: @escaping @Sendable () -> Void = {}) -> LifecycleMember {
    LifecycleMember("stuck") {
      atStart()
      await Task { await ShutdownSignal().wait() }.value
    }
  }

  private func lines(_ result: ExitTest.Result?) -> [String] {
    String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
      .split(separator: "\n").map(String.init).filter {
        $0.hasSuffix("stops") || $0.hasPrefix("re")
      }
  }

  @Test func `SIGTERM ends the parts in order and the process with 0`() async {
    let result = await #expect(
      processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
    ) {
      try SignalTests.run([
        SignalTests.part("first"), SignalTests.part("second"),
        SignalTests.part("third") { kill(getpid(), SIGTERM) },
      ])
    }
    #expect(lines(result) == ["third stops", "second stops", "first stops"])
  }

  @Test func `SIGINT does the same`() async {
    let result = await #expect(
      processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
    ) {
      try SignalTests.run([SignalTests.part("only") { kill(getpid(), SIGINT) }])
    }
    #expect(lines(result) == ["only stops"])
  }

  @Test func `a second signal ends the process at once`() async {
    await #expect(processExitsWith: .exitCode(130)) {
      try SignalTests.run([
        SignalTests.stuck { kill(getpid(), SIGTERM) },
        LifecycleMember("second") {
          await ShutdownSignal.current?.wait()
          kill(getpid(), SIGINT)
          await Task { await ShutdownSignal().wait() }.value
        },
      ])
    }
  }

  @Test func `the process ends within its limit whatever a part does`() async {
    await #expect(processExitsWith: .exitCode(1)) {
      try SignalTests.run(
        [SignalTests.stuck { kill(getpid(), SIGTERM) }],
        limits: LifecycleLimits(
          stopWithin: .milliseconds(100), cancelAfter: .milliseconds(50)))
    }
  }

  @Test func `a failure ends the process with 1 after the others have stopped`() async {
    let result = await #expect(
      processExitsWith: .exitCode(1), observing: [\.standardOutputContent]
    ) {
      struct Broken: Error {}
      try SignalTests.run([
        SignalTests.part("first"), LifecycleMember("failing") { throw Broken() },
      ])
    }
    #expect(lines(result) == ["first stops"])
  }

  @Test func `SIGHUP asks for a reload and ends nothing`() async {
    let result = await #expect(
      processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
    ) {
      try SignalTests.run(
        [SignalTests.part("only") { kill(getpid(), SIGHUP) }],
        onReload: {
          SignalTests.say("reloaded")
          kill(getpid(), SIGTERM)
        })
    }
    #expect(lines(result) == ["reloaded", "only stops"])
  }
}
