import Console
import EventLoop
import Faults
import Glibc
import OrchestratorContract
import RPC
import RunDisplay
import ScoreContract
import Synchronization
import ToolContext

/// Follows one run on a terminal until it has ended, over restarts of whatever it asks: every
/// entry of the log is shown once. ^C stops the watching and not the run.
actor RunWatcher: LoopActor {
  nonisolated let loop: EventLoop
  private let service: RunService
  private let terminal: Terminal
  private let runID: String
  private var progress: RunProgress
  private var isDrawn = false
  private let start: UInt64

  /// How often the live line moves.
  private static let tick = Duration.milliseconds(200)
  /// How long the mesh may be away before the watching ends.
  private static let patience = Duration.seconds(30)

  init(_ runID: String, capNanos: Int64 = 0, _ service: RunService, _ context: CommandContext) {
    self.runID = runID
    self.service = service
    terminal = context.terminal
    loop = context.loop
    let mode: RunProgress.Mode = terminal.isJSON ? .json : terminal.isLive ? .live : .plain
    progress = RunProgress(mode, runID: runID, capNanos: capNanos)
    start = context.loop.nowNanoseconds
  }

  /// Answers the exit code that fits how the run ended.
  func follow(after seq: Int64 = 0) async throws -> ExitCode {
    let watching = Task(executorPreference: loop) { try await self.watch(after: seq) }
    let interrupted = Interruption()
    let signal = try SignalWatch(SIGINT, on: loop) {
      interrupted.happen()
      watching.cancel()
    }
    let ticking = Task(executorPreference: loop) { await self.keepTicking() }
    defer {
      ticking.cancel()
      signal.close()
    }
    do {
      try await watching.value
    } catch {
      erase()
      guard interrupted.hasHappened else { throw error }
      terminal.talk("the run goes on; return to it with: assay watch \(runID)")
      return .interrupted
    }
    erase()
    return RunWatcher.exitCode(progress.state, progress.reason)
  }

  private func watch(after seq: Int64) async throws {
    var cursor = seq
    var lastHeard = loop.nowNanoseconds
    while true {
      do {
        let request = WatchRequest(runId: runID, afterSeq: cursor)
        for try await answer in service.orchestrator.watch(request, options: service.streamOptions)
        {
          for event in answer.events where event.seq > cursor {
            cursor = event.seq
            show(progress.take(event))
          }
          lastHeard = loop.nowNanoseconds
          // A paused run may stay so for days.
          guard !terminal.isClosed, progress.state != .paused else { return }
        }
        if progress.hasEnded || progress.state == .paused { return }
      } catch let fault as Fault where fault.code == .unavailable {
        guard loop.nowNanoseconds - lastHeard < UInt64(Self.patience / .nanoseconds(1)) else {
          throw fault
        }
      }
      // Whoever answered has gone; another replica does, or the same again.
      try await loop.sleep(for: .milliseconds(100))
    }
  }

  private func show(_ outputs: [RunProgress.Output]) {
    for output in outputs {
      switch output {
      case .line(let line):
        erase()
        terminal.talk(Terminal.harmless(line))
      case .json(let value): terminal.line(value)
      }
    }
  }

  private func keepTicking() async {
    guard terminal.isLive, !terminal.isJSON else { return }
    while (try? await loop.sleep(for: Self.tick)) != nil, !progress.hasEnded {
      let time = Duration.nanoseconds(Int64(clamping: loop.nowNanoseconds - start))
      let line = Terminal.harmless(progress.liveLine(at: time))
      let cut = String(line.prefix(max(20, terminal.columns - 1)))
      terminal.talk(raw: "\r\u{1B}[2K\(cut)")
      isDrawn = true
    }
  }

  private func erase() {
    if isDrawn { terminal.talk(raw: "\r\u{1B}[2K") }
    isDrawn = false
  }

  /// 0 completed, 3 partial, 5 for want of budget, 1 else.
  static func exitCode(_ state: RunState, _ reason: String) -> ExitCode {
    switch (state, reason) {
    case (.completed, _): .success
    case (.partial, "budget"), (.paused, "budget"): .budget
    case (.partial, _): .partial
    case (.paused, "quota"), (.failed, "provider"): .upstream
    case (.paused, _): .partial
    default: .failed
    }
  }
}

/// Whether ^C came.
private final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)
  var hasHappened: Bool { flag.load(ordering: .relaxed) }
  func happen() { flag.store(true, ordering: .relaxed) }
}
