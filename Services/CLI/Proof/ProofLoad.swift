import EventLoop
import Faults
import OrchestratorContract
import RPC
import ScoreContract

/// Submits runs and follows each to its end, whatever happens to those who answer.
struct ProofLoad: Sendable {
  let mesh: ProofMesh
  let plan: ProofPlan
  let loop: EventLoop

  /// How long a run may take, all restarts included.
  private static let runSecondsMax = 120.0

  /// The questions, the same for the same seed.
  func spec(_ index: Int) -> RunSpec {
    var random = ProofRandom(seed: plan.seed &+ UInt64(index))
    let texts = (0..<plan.textsPerSpec).map { "text \($0) \(random.next())" }
    var options = RunOptions(width: UInt32(plan.width))
    options.force = true
    return RunSpec(
      workload: "echo", options: options,
      subject: .echo(EchoSpec(texts: texts, model: "proof", textsPerCall: 5)))
  }

  /// One run from its submission to its end; one that is nudged is paused and resumed between.
  func run(_ spec: Int, key: String, isNudged: Bool = false) async throws -> ProofRun {
    var run = ProofRun(spec: spec)
    let deadline = loop.nowNanoseconds + UInt64(Self.runSecondsMax * 1e9)
    run.id = try await insisting(until: deadline) {
      // The key makes it one run, however often the answer is lost.
      let request = SubmitRequest(spec: self.spec(spec), idempotencyKey: key)
      return try await mesh.orchestrator.submit(request, options: options(.seconds(10))).runId
    }
    if isNudged { try await nudge(run.id, until: deadline) }
    while !run.hasEnded {
      let request = WatchRequest(runId: run.id, afterSeq: run.lastSeq)
      do {
        let answers = mesh.orchestrator.watch(request, options: options(.seconds(30)))
        for try await answer in answers {
          for event in answer.events { run.take(event) }
        }
      } catch {
        if run.isUnknown(error) { return run }
        try await passing(error, until: deadline)
      }
      guard loop.nowNanoseconds < deadline else { throw Self.stuck(run.id) }
    }
    return run
  }

  private static func stuck(_ runID: String) -> Fault {
    Fault(
      .deadlineExceeded, reason: "RUN_STUCK",
      "The run \(runID) has not ended after \(Int(runSecondsMax)) s.")
  }

  /// Pauses a run and resumes it as soon as it can be; one that has ended by then stays as it is.
  private func nudge(_ runID: String, until deadline: UInt64) async throws {
    for isPause in [true, false] {
      while true {
        let isAnswered = try await insisting(until: deadline) {
          do {
            if isPause {
              _ = try await mesh.orchestrator.pause(
                PauseRequest(runId: runID), options: options(.seconds(10)))
            } else {
              _ = try await mesh.orchestrator.resume(
                ResumeRequest(runId: runID), options: options(.seconds(10)))
            }
            return true
          } catch let fault as Fault where fault.code == .failedPrecondition {
            let run = try await mesh.orchestrator.getRun(
              GetRunRequest(runId: runID), options: options(.seconds(10))
            ).run
            return run?.state.isEnded == true
          }
        }
        if isAnswered { break }
        guard loop.nowNanoseconds < deadline else { throw Self.stuck(runID) }
        try await loop.sleep(for: .milliseconds(5))
      }
    }
  }

  /// The whole log once more, from its first entry, as a newcomer reads it.
  func replay(_ runID: String, spec: Int) async throws -> ProofRun {
    var run = ProofRun(spec: spec)
    run.id = runID
    let request = WatchRequest(runId: runID, isReplayOnly: true)
    do {
      for try await answer in mesh.orchestrator.watch(request, options: options(.seconds(30))) {
        for event in answer.events { run.take(event) }
      }
    } catch {
      guard run.isUnknown(error) else { throw error }
    }
    return run
  }

  /// Asks again while nobody is there to answer.
  func insisting<R: Sendable>(
    until deadline: UInt64, _ body: () async throws -> R
  ) async throws -> R {
    while true {
      do { return try await body() } catch { try await passing(error, until: deadline) }
    }
  }

  /// Waits a moment behind a failure that passes; any other is thrown again.
  private func passing(_ error: any Error, until deadline: UInt64) async throws {
    let fault = Fault(describing: error)
    let passes: [Fault.Code] = [
      .unavailable, .deadlineExceeded, .aborted, .cancelled, .resourceExhausted,
    ]
    guard passes.contains(fault.code),
      loop.nowNanoseconds < deadline
    else { throw error }
    // Who ends by itself again and again will not answer any more.
    guard await !mesh.isBroken else { throw error }
    try await loop.sleep(for: .milliseconds(10))
  }

  private func options(_ timeout: Duration) -> CallOptions {
    var options = CallOptions(timeout: timeout)
    options.patience = .upTo(.seconds(5))
    return options
  }
}

extension ProofRun {
  /// Whether a run that was acknowledged is not there any more, or less of it than was seen.
  fileprivate mutating func isUnknown(_ error: any Error) -> Bool {
    let fault = Fault(describing: error)
    guard [.notFound, .outOfRange].contains(fault.code) else { return false }
    faults.append("\(id): it was acknowledged, and now: \(fault.message)")
    return true
  }
}
