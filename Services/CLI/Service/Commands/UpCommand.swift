import Compose
import Console
import EventLoop
import Faults
import Glibc
import MeshContract
import Supervisor
import ToolContext

/// `assay up`: the mesh of the compose file as plain processes.
enum UpCommand {
  static let command = Command(
    "up", "start the mesh of compose.yaml as plain processes",
    flags: Flag.mesh + [
      Flag("detach", short: "d", "leave it running in the background once it is ready"),
      Flag("scale", value: "SERVICE=COUNT", repeats: true, "run so many replicas of a service"),
      Flag("profile", value: "NAME", repeats: true, "start the services of this profile too"),
      Flag("logs", "print what the services print"),
      Flag("timeout", value: "TIME", "call it a failure not to be ready so long; 30s unless given"),
      Flag("supervise", "be the process that --detach leaves behind"),
    ],
    details: """
      Starts every service at once and shows each replica until it is ready; restarts what ends,
      by the restart: of the file. ^C stops all, in order. A second `assay up` is told that the
      mesh runs, and with --scale changes how many replicas there are.
      Sockets and logs are in $ASSAY_RUN_DIR, $XDG_RUNTIME_DIR/assay/<project> or
      /tmp/assay-<uid>/<project>; volumes with data in $ASSAY_DATA_DIR or ~/.local/state/assay.
      """,
    examples: ["assay up", "assay up --detach --scale gateway=3", "assay up --logs"]
  ) { context in
    let counts = try ScaleArgument.parse(context.invocation.values("scale"), verb: "up")
    let file = try context.composeFile()
    var plan = try SupervisorPlan(
      file, scale: Dictionary(uniqueKeysWithValues: counts.map { ($0.service, $0.count) }),
      profiles: Set(context.invocation.values("profile")), in: context.place)
    if let timeout = try TimeArgument.parse(context.invocation, "timeout") {
      for index in plan.services.indices { plan.services[index].policy.readyDeadline = timeout }
    }
    if let running = try await RunningMesh.find(context) {
      return try await alreadyRunning(running, counts, plan, context)
    }
    return context.invocation.has("detach")
      ? try await DetachedStart(plan: plan, context: context).run()
      : try await runHere(plan, context)
  }

  private static func alreadyRunning(
    _ mesh: RunningMesh, _ counts: [(service: String, count: Int)], _ plan: SupervisorPlan,
    _ context: CommandContext
  ) async throws -> ExitCode {
    if !counts.isEmpty {
      try await ScaleCommand.apply(counts, to: mesh, context.terminal)
      return .success
    }
    guard context.invocation.has("detach") else { throw Supervisor.alreadyRunning(plan.project) }
    context.terminal.talk("the mesh \(plan.project) is running already")
    PsCommand.show(try await mesh.replicas(), context.terminal)
    return .success
  }

  // MARK: - In the foreground

  private static func runHere(
    _ plan: SupervisorPlan, _ context: CommandContext
  ) async throws -> ExitCode {
    let terminal = context.terminal
    let showsLogs = context.invocation.has("logs")
    let supervisor = Supervisor(plan, on: context.loop) { instance, line in
      if showsLogs { LogsCommand.show(instance, line, terminal) }
    }
    let stopper = UpStopper(supervisor, terminal: terminal, on: context.loop)
    try await stopper.watch()
    let mode: UpProgress.Mode =
      terminal.isJSON ? .json : terminal.isLive && !showsLogs ? .live : .plain
    let printer = ProgressPrinter(mode, terminal: terminal, loop: context.loop)
    let printing = Task(executorPreference: context.loop) {
      await printer.follow(supervisor)
    }
    defer { printing.cancel() }
    do {
      try await supervisor.run()
    } catch {
      await stopper.close()
      throw error
    }
    await printing.value
    await stopper.close()
    return await stopper.signal == SIGINT ? .interrupted : .success
  }
}

/// Turns signals into a stop, and a second one into an end.
private actor UpStopper: LoopActor {
  nonisolated let loop: EventLoop
  private let supervisor: Supervisor
  private let terminal: Terminal
  private var watches: [SignalWatch] = []
  private(set) var signal: Int32 = 0

  init(_ supervisor: Supervisor, terminal: Terminal, on loop: EventLoop) {
    self.supervisor = supervisor
    self.terminal = terminal
    self.loop = loop
  }

  func watch() throws(EventLoopError) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      watches.append(try SignalWatch(number, on: loop) { self.received(number) })
    }
  }

  private func received(_ number: Int32) {
    let isFirst = signal == 0
    if isFirst { signal = number }
    Task {
      guard isFirst else { return await supervisor.kill() }
      if number == SIGINT, terminal.isLive { terminal.talk("stopping; ^C again kills") }
      await supervisor.stop()
    }
  }

  /// Signals do again what they do by default.
  func close() {
    for watch in watches { watch.close() }
    watches = []
  }
}
