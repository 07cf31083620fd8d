package import EventLoop
import Faults

/// Runs a program to its end and keeps what it prints.
package actor ProgramRun: LoopActor {
  /// What became of it.
  package struct Outcome: Equatable, Sendable {
    package let ending: ReplicaEnding
    /// Lines on standard output.
    package let output: [String]
    /// Lines on standard error.
    package let errors: [String]

    package var isSuccess: Bool { ending == .exited(status: 0) }
  }

  /// Lines of each stream that are kept.
  package static let linesMax = 10_000

  package nonisolated let loop: EventLoop
  private var output: [String] = []
  private var errors: [String] = []

  package init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Runs the words; kills them when they take longer than `timeout`.
  package func run(
    _ words: [String], environment: [String: String], in directory: String, timeout: Duration
  ) async -> Outcome {
    guard let program = words.first else {
      return Outcome(ending: .notStarted(reason: "no program"), output: [], errors: [])
    }
    var launch = ChildLaunch(
      program, Array(words.dropFirst()), environment: environment, workingDirectory: directory)
    launch.leadsSession = true
    launch.output = .lines { line in
      if self.output.count < Self.linesMax { self.output.append(line) }
    }
    launch.errorOutput = .lines { line in
      if self.errors.count < Self.linesMax { self.errors.append(line) }
    }
    let ending = await ended(launch, timeout: timeout)
    return Outcome(ending: ending, output: output, errors: errors)
  }

  private func ended(_ launch: ChildLaunch, timeout: Duration) async -> ReplicaEnding {
    await withCheckedContinuation { continuation in
      var timer: LoopTimer?
      do {
        let child = try ChildProcess(launch, on: loop) { exit in
          timer?.cancel()
          continuation.resume(
            returning: exit.signal == 0
              ? .exited(status: exit.status) : .killed(signal: exit.signal))
        }
        timer = loop.schedule(after: timeout) { _ = child.kill(9, wholeGroup: true) }
      } catch {
        continuation.resume(returning: .notStarted(reason: "\(error)"))
      }
    }
  }
}
