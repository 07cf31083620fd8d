import Console
import EventLoop
import MeshContract
import Supervisor

/// Draws the progress of a mesh on a terminal.
actor ProgressPrinter {
  private var progress: UpProgress
  private let mode: UpProgress.Mode
  private let terminal: Terminal
  private let loop: EventLoop
  private let start: UInt64
  private var last: [Replica] = []
  private var saidReady = false

  init(_ mode: UpProgress.Mode, terminal: Terminal, loop: EventLoop) {
    progress = UpProgress(mode)
    self.mode = mode
    self.terminal = terminal
    self.loop = loop
    start = loop.nowNanoseconds
  }

  /// How often the clock in a live block moves.
  private static let tick = Duration.milliseconds(100)

  /// Shows a supervisor of this process until it has stopped.
  func follow(_ supervisor: Supervisor) async {
    let ticking = Task { await self.keepTicking() }
    defer { ticking.cancel() }
    for await _ in await supervisor.changes() {
      show(await supervisor.replicas)
    }
  }

  private func keepTicking() async {
    while progress.isTicking, (try? await loop.sleep(for: Self.tick)) != nil {
      if !last.isEmpty { show(last) }
    }
  }

  /// Shows replicas as they are now.
  func show(_ replicas: [Replica]) {
    last = replicas
    let time = Duration.nanoseconds(Int64(clamping: loop.nowNanoseconds - start))
    for output in progress.update(replicas, at: time) { show(output, replicas) }
    let allReady = !replicas.isEmpty && replicas.allSatisfy { $0.state == .ready }
    if allReady, !saidReady, mode != .json {
      terminal.talk("all ready after \(time.wholeMilliseconds) ms")
    }
    saidReady = saidReady || allReady
  }

  private func show(_ output: UpProgress.Output, _ replicas: [Replica]) {
    switch output {
    case .block(let lines, let replacing):
      // Up to the first line of the old block, then each line anew, cut to the terminal's width.
      var text = replacing > 0 ? "\u{1B}[\(replacing)A" : ""
      for (replica, line) in zip(replicas, lines) {
        let cut = String(Terminal.harmless(line).prefix(max(20, terminal.columns - 1)))
        text +=
          "\u{1B}[2K"
          + terminal.paintedTalk(cut, ReplicaLine.paint(for: replica.state)) + "\n"
      }
      terminal.talk(raw: text)
    case .line(let line): terminal.talk(Terminal.harmless(line))
    case .failure(let replica): FailureText.show(replica, terminal)
    case .json(let value): terminal.line(value)
    }
  }
}
