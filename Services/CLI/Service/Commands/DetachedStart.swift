import Console
import EventLoop
import Faults
import Machine
import MeshContract
import RPC
import Supervisor
import ToolContext

/// `assay up --detach`: another `assay` in a session of its own, watched until all is ready.
struct DetachedStart: Sendable {
  let plan: SupervisorPlan
  let context: CommandContext

  /// From the start of the supervisor to its socket.
  private static let socketTimeout = Duration.seconds(10)
  private static let lookPause = Duration.milliseconds(2)

  func run() async throws -> ExitCode {
    try plan.run.prepare(user: context.place.user)
    let background = BackgroundProcess(on: context.loop)
    try await background.start(try launchWords(), log: plan.run.supervisorLog)
    try await waitForSocket(background)
    let replicas = try await watch(background)
    PsCommand.show(replicas, context.terminal)
    return replicas.allSatisfy { $0.state == .ready } ? .success : .unavailable
  }

  private func launchWords() throws -> [String] {
    guard let own = Processes.ownExecutable else {
      throw Fault(.internal, reason: "NO_EXECUTABLE", "/proc/self/exe cannot be read.")
    }
    var words = [
      own, "up", "--supervise", "--file", try context.composePath(), "--project", plan.project,
    ]
    for flag in ["scale", "profile", "timeout"] {
      for value in context.invocation.values(flag) { words += ["--\(flag)", value] }
    }
    return words
  }

  private func waitForSocket(_ background: BackgroundProcess) async throws {
    let deadline =
      context.loop.nowNanoseconds + UInt64(Self.socketTimeout / .nanoseconds(1))
    while Files.facts(of: plan.run.controlSocket)?.kind != .socket {
      try await check(background)
      guard context.loop.nowNanoseconds < deadline else {
        throw failure("The supervisor does not open its socket.")
      }
      try await context.loop.sleep(for: Self.lookPause)
    }
  }

  /// Shows what happens until every replica is ready or has failed.
  private func watch(_ background: BackgroundProcess) async throws -> [Replica] {
    let terminal = context.terminal
    let mode: UpProgress.Mode = terminal.isJSON ? .json : terminal.isLive ? .live : .plain
    let printer = ProgressPrinter(mode, terminal: terminal, loop: context.loop)
    let mesh = RunningMesh(run: plan.run, on: context.loop)
    do {
      for try await status in mesh.client.watch(StatusRequest()) {
        // The final table says it as JSON.
        if mode != .json { await printer.show(status.replicas) }
        if UpProgress.isSettled(status.replicas) { return status.replicas }
      }
    } catch {
      try await check(background)
      throw error
    }
    throw failure("The supervisor has stopped.")
  }

  /// A supervisor that has ended says why in its log.
  private func check(_ background: BackgroundProcess) async throws {
    if await background.hasEnded { throw failure("The supervisor has ended.") }
  }

  private func failure(_ message: String) -> Fault {
    let log = (try? Files.readEnd(of: plan.run.supervisorLog, count: 4096)) ?? []
    let text = String(decoding: log, as: UTF8.self)
    for line in text.split(separator: "\n").suffix(FailureText.linesMax) {
      context.terminal.talk("  | \(Terminal.harmless(String(line)))")
    }
    return Fault(
      .unavailable, reason: "SUPERVISOR_FAILED", message,
      hint: "assay up shows it in the foreground")
  }
}

/// A child that outlives this process.
private actor BackgroundProcess: LoopActor {
  nonisolated let loop: EventLoop
  private var child: ChildProcess?
  private(set) var hasEnded = false

  init(on loop: EventLoop) {
    self.loop = loop
  }

  func start(_ words: [String], log path: String) throws {
    let log = try OpenFile(path, for: .append)
    var launch = ChildLaunch(words[0], Array(words.dropFirst()))
    launch.leadsSession = true
    launch.output = .descriptor(log.descriptor)
    launch.errorOutput = .descriptor(log.descriptor)
    child = try ChildProcess(launch, on: loop) { _ in self.hasEnded = true }
  }
}
