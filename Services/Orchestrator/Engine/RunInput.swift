package import Faults
package import GatewayContract
package import OrchestratorContract
package import ScoreContract

/// What happens to a run, as its state machine hears of it.
package enum RunInput: Sendable, Equatable {
  /// The lease is ours, and this is the run, read after it became ours.
  case gained(RunOwnership)
  /// The lease ended, or is about to: nothing may be written or paid any more.
  case leaseLost
  /// Finish what is in flight and give the run back: this process stops.
  case handBack
  /// Somebody asks something of the run; Store has kept it, and is asked what it is. May come
  /// late, twice, or before the run is ours.
  case requested(RunRequest)
  /// The time that was asked for has come, or any other time.
  case woke
  /// `settleSoon` has come, or any other time: what was answered is to be kept.
  case settle

  case committed(ask: Int, CommitOutcome)
  case unitsRead(ask: Int, [Unit], isLast: Bool)
  case runRead(ask: Int, Run, [Stage])
  case lookedUp(ask: Int, [Verdict])
  case called(ask: Int, GenerateResponse)
  case recalled(ask: Int, GetCallResponse)
  /// Whatever was asked was refused, or nobody knows.
  case refused(ask: Int, Fault)
}

/// What Store says of a commit that holds.
package struct CommitOutcome: Sendable, Equatable {
  package let lastSeq: Int64
  package let isReplay: Bool

  package init(lastSeq: Int64, isReplay: Bool) {
    self.lastSeq = lastSeq
    self.isReplay = isReplay
  }
}

/// A run in the hands of its owner.
package struct RunOwnership: Sendable, Equatable {
  package let run: Run
  package let stages: [Stage]
  /// How long it has been running in this generation, by the wall clock.
  package let ranForMs: Int64

  package init(run: Run, stages: [Stage], ranForMs: Int64 = 0) {
    self.run = run
    self.stages = stages
    self.ranForMs = ranForMs
  }
}

/// What is scored, and how: the same for every owner.
package struct RunTask: Sendable {
  package let workload: any Workload
  package let spec: RunSpec

  package init(workload: any Workload, spec: RunSpec) {
    self.workload = workload
    self.spec = spec
  }
}
