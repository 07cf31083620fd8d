import EventLoop
import Glibc
import Locking

/// A program that a test starts, listens to and ends.
///
/// Its standard input is a pipe that nobody writes to. The pipe ends with the test process, also
/// when that is killed, so that a child which watches its input never outlives it.
package final class ChildTool: Sendable {
  /// What a program printed, and how it ended: a signal is not 0 when one killed it.
  package struct Output: Sendable {
    package var lines: [String] = []
    package var errorLines: [String] = []
    package var status: Int32 = -1
    package var signal: Int32 = 0

    package var isSuccess: Bool { status == 0 && signal == 0 }
    /// The last lines, for a test's message.
    package var lastWords: String {
      (errorLines.suffix(8) + lines.suffix(4)).joined(separator: "\n")
    }
  }

  /// A program did not start, speak or end as it had to.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  package let name: String
  private let loop: EventLoop
  private let process = Lock<(pid: Int32, input: Int32)>((0, -1))
  private let seen = Lock((output: Output(), hasEnded: false))

  /// How long a program has to end after SIGTERM before SIGKILL.
  private static let graceLimit = Duration.seconds(5)

  private init(_ program: String, on loop: EventLoop) {
    name = String(program.split(separator: "/").last ?? "")
    self.loop = loop
  }

  /// Starts a program, runs `body`, and ends the program whatever `body` does.
  package static func with<R>(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil,
    uid: UInt32? = nil, _ body: (ChildTool) async throws -> R
  ) async throws -> R {
    let loop = try EventLoop(name: "tool")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let tool = ChildTool(program, on: loop)
    try await tool.start(program, arguments, environment, uid)
    do {
      let result = try await body(tool)
      try await tool.end()
      return result
    } catch {
      _ = try? await tool.end()
      throw error
    }
  }

  /// Runs a program to its end; one that takes longer than `limit` is killed and a failure.
  package static func run(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil,
    uid: UInt32? = nil, within limit: Duration = .seconds(30)
  ) async throws -> Output {
    try await with(program, arguments, environment: environment, uid: uid) { tool in
      try await tool.ended(within: limit)
    }
  }

  // MARK: While it runs

  package var pid: Int32 { process.withLock { $0.pid } }
  package var isRunning: Bool { seen.withLock { !$0.hasEnded } }
  /// What it printed so far.
  package var output: Output { seen.withLock { $0.output } }

  /// The first line of standard output that `isWanted`; waits for it.
  package func line(
    within limit: Duration = .seconds(20), _ isWanted: (String) -> Bool = { _ in true }
  ) async throws -> String {
    try await wait("print what was waited for", within: limit) {
      if let line = $0.output.lines.first(where: isWanted) { return line }
      guard !$0.hasEnded else { throw self.failure("ended too early") }
      return nil
    }
  }

  /// The first line of standard error that `isWanted`; waits for it.
  package func errorLine(
    within limit: Duration = .seconds(20), _ isWanted: (String) -> Bool
  ) async throws -> String {
    try await wait("say what was waited for", within: limit) {
      if let line = $0.output.errorLines.first(where: isWanted) { return line }
      guard !$0.hasEnded else { throw self.failure("ended too early") }
      return nil
    }
  }

  /// What it printed until it ended by itself.
  package func ended(within limit: Duration = .seconds(30)) async throws -> Output {
    try await wait("end", within: limit) { $0.hasEnded ? $0.output : nil }
  }

  /// Ends its standard input, which tells some programs to end.
  package func closeInput() {
    process.withLock { process in
      if process.input >= 0 { close(process.input) }
      process.input = -1
    }
  }

  /// Asks it to end by SIGTERM, and sees to it.
  @discardableResult
  package func end() async throws -> Output {
    defer { closeInput() }
    send(SIGTERM)
    do {
      return try await ended(within: Self.graceLimit)
    } catch {
      send(SIGKILL)
      return try await ended(within: Self.graceLimit)
    }
  }

  // MARK: Starting and waiting

  private func start(
    _ program: String, _ arguments: [String], _ environment: [String: String]?, _ uid: UInt32?
  ) async throws {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw Failure(description: "no pipe, errno \(errno)") }
    let (reading, writing) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    process.withLock { $0.input = writing }
    defer { close(reading) }
    let loop = loop
    try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<Void, any Error>) in
      loop.execute {
        var launch = ChildLaunch(
          program, arguments, environment: environment.map(Self.withSanitizers))
        launch.input = .descriptor(reading)
        launch.output = .lines { line in self.seen.withLock { $0.output.lines.append(line) } }
        launch.errorOutput = .lines { line in
          self.seen.withLock { $0.output.errorLines.append(line) }
        }
        launch.uid = uid
        launch.gid = uid
        do {
          let child = try ChildProcess(launch, on: loop) { exit in
            self.seen.withLock { seen in
              seen.output.status = exit.status
              seen.output.signal = exit.signal
              seen.hasEnded = true
            }
          }
          self.process.withLock { $0.pid = child.pid }
          continuation.resume()
        } catch {
          self.closeInput()
          continuation.resume(throwing: error)
        }
      }
    }
  }

  /// A program under a sanitizer takes its orders from the environment: without those of the test
  /// it would call the runtime's metadata a leak, and end with an error.
  private static func withSanitizers(_ environment: [String: String]) -> [String: String] {
    var whole = environment
    for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
      guard whole[name] == nil, let value = unsafe getenv(name) else { continue }
      whole[name] = unsafe String(cString: value)
    }
    return whole
  }

  /// On the loop, which is also told of its end: a process that is gone gets no signal.
  private func send(_ signal: Int32) {
    loop.execute {
      if self.isRunning { kill(self.pid, signal) }
    }
  }

  private func wait<R>(
    _ what: String, within limit: Duration,
    _ answer: ((output: Output, hasEnded: Bool)) throws -> R?
  ) async throws -> R {
    let deadline = ContinuousClock.now + limit
    while true {
      if let result = try answer(seen.withLock { $0 }) { return result }
      guard ContinuousClock.now < deadline else { throw failure("did not \(what) in \(limit)") }
      try await loop.sleep(for: .milliseconds(5))
    }
  }

  private func failure(_ what: String) -> Failure {
    Failure(description: "\(name) \(what)\n\(output.lastWords)")
  }
}
