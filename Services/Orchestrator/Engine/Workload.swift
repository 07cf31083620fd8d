// RunEngine: a run as values. What was planned, what is asked next, what an answer means, when it
// has ended: state machines that take an input and answer with actions, without I/O, clock or
// randomness, so that a simulation can try every interleaving. It never calls a service and never
// knows what is scored: that is a workload's three functions. Limits: `EngineLimits`.

package import Faults
package import GatewayContract
package import OrchestratorContract
package import ScoreContract

/// One kind of scoring: a planner, a codec and an aggregator, and nothing more.
///
/// All three are pure: the same arguments give the same answer in every process and every
/// version that shares a run, or a run that changes hands would ask different questions.
package protocol Workload: Sendable {
  /// As `RunSpec.workload` names it.
  var name: String { get }
  /// One line for `assay workloads`.
  var summary: String { get }

  /// Planner: what there is to ask, or why the spec cannot be run. Nothing is spent before.
  func plan(_ spec: RunSpec) throws(Fault) -> Plan

  /// Codec, the way out: the model call that asks about a batch.
  func render(_ batch: Batch, of spec: RunSpec) throws(Fault) -> ModelCall

  /// Codec, the way in: exactly one outcome for each unit of the batch, in its order, by the id
  /// in the reply and never by position. Total: any reply gives an answer.
  func read(_ reply: ModelReply, for batch: Batch, of spec: RunSpec) -> [UnitOutcome]

  /// Aggregator: what a run amounts to, from verdicts in any order; JSON.
  func aggregate(_ ending: RunEnding, of spec: RunSpec) -> [UInt8]
}

/// What a run would do: stages in their order, each with its units.
package struct Plan: Sendable {
  package var stages: [PlannedStage]
  /// What the spec says and nobody may want.
  package var warnings: [Note]

  package init(stages: [PlannedStage], warnings: [Note] = []) {
    self.stages = stages
    self.warnings = warnings
  }
}

/// Units that may be asked about in any order and at once; the next stage waits for all of them.
package struct PlannedStage: Sendable {
  package var name: String
  /// A failed unit fails the stage, a failed stage the run.
  package var isFailFast: Bool
  package var batching: BatchPolicy
  package let unitCount: Int
  /// The unit at an index below `unitCount`; made when it is needed, so that a plan of a hundred
  /// thousand units is not held at once.
  package let unit: @Sendable (Int) -> PlannedUnit

  package init(
    name: String, isFailFast: Bool = false, batching: BatchPolicy, unitCount: Int,
    unit: @escaping @Sendable (Int) -> PlannedUnit
  ) {
    self.name = name
    self.isFailFast = isFailFast
    self.batching = batching
    self.unitCount = unitCount
    self.unit = unit
  }
}

/// How many units share a call. They join in the plan's order, so a planner puts the units of one
/// group beside each other.
package struct BatchPolicy: Sendable, Equatable {
  package var unitsMax: Int
  /// Of the units' payloads together; a larger one goes alone.
  package var bytesMax: Int

  package init(unitsMax: Int, bytesMax: Int = 50_000) {
    self.unitsMax = max(1, unitsMax)
    self.bytesMax = max(1, bytesMax)
  }
}

/// The smallest thing with one verdict, as a planner names it.
package struct PlannedUnit: Sendable, Equatable {
  /// Unique in the run.
  package var id: String
  package var subject: SubjectRef
  package var rubricHash: String
  /// Everything that the answer depends on, hashed: rubric, content, model, parameters, schema.
  package var key: String
  /// Units of different groups never share a call.
  package var group: String
  package var payload: [UInt8]

  package init(
    id: String, subject: SubjectRef, rubricHash: String, key: String, group: String = "",
    payload: [UInt8]
  ) {
    self.id = id
    self.subject = subject
    self.rubricHash = rubricHash
    self.key = key
    self.group = group
    self.payload = payload
  }
}

/// Units that are asked about in one call.
package struct Batch: Sendable, Equatable {
  /// `7` of the plan; `7.1` asks again for what `7` did not answer. Never used for other units.
  package var id: String
  package var stage: Int
  package var units: [BatchUnit]

  package init(id: String, stage: Int, units: [BatchUnit]) {
    self.id = id
    self.stage = stage
    self.units = units
  }

  /// Whether something of it was asked before, and the answer was of no use.
  package var isAskedAgain: Bool {
    id.contains { $0 == "." || $0 == "~" } || units.contains { $0.tries > 0 }
  }
}

/// A unit as the codec sees it.
package struct BatchUnit: Sendable, Equatable {
  package var id: String
  package var ordinal: Int64
  package var subject: SubjectRef
  package var rubricHash: String
  package var key: String
  package var payload: [UInt8]
  /// Calls that were spent on it before this one.
  package var tries: Int

  package init(
    id: String, ordinal: Int64, subject: SubjectRef, rubricHash: String, key: String,
    payload: [UInt8], tries: Int
  ) {
    self.id = id
    self.ordinal = ordinal
    self.subject = subject
    self.rubricHash = rubricHash
    self.key = key
    self.payload = payload
    self.tries = tries
  }
}

/// A model call before it has a key; the engine names it.
package struct ModelCall: Sendable, Equatable {
  package var model: String
  package var blocks: [Block]
  package var output: OutputSpec
  package var outputTokensMax: Int
  package var temperature: Double?
  /// How many more calls of the run begin as this one does, up to its last breakpoint: as many as
  /// share its document, its rubric or whatever else stands first. It decides whether a provider's
  /// prompt cache pays; 0 where the workload does not know.
  package var prefixReuses: Int
  /// What it may cost, by the prices that the planner knows.
  package var cost: CostBound

  package init(
    model: String, blocks: [Block], output: OutputSpec, outputTokensMax: Int,
    temperature: Double? = nil, prefixReuses: Int = 0, cost: CostBound
  ) {
    self.model = model
    self.blocks = blocks
    self.output = output
    self.outputTokensMax = outputTokensMax
    self.temperature = temperature
    self.prefixReuses = prefixReuses
    self.cost = cost
  }
}

/// What a call may cost.
package struct CostBound: Sendable, Equatable {
  package var leastNanos: Int64
  package var expectedNanos: Int64
  /// Never exceeded: what is reserved before it is sent.
  package var mostNanos: Int64

  package init(leastNanos: Int64 = 0, expectedNanos: Int64 = 0, mostNanos: Int64 = 0) {
    self.leastNanos = leastNanos
    self.expectedNanos = expectedNanos
    self.mostNanos = mostNanos
  }
}

/// An answer that was paid for.
package struct ModelReply: Sendable, Equatable {
  package var model: String
  package var text: String
  package var finish: GenerateResponse.Finish

  package init(model: String, text: String, finish: GenerateResponse.Finish) {
    self.model = model
    self.text = text
    self.finish = finish
  }
}

/// What a reply says of one unit.
package enum UnitOutcome: Sendable, Equatable {
  case verdict(VerdictDraft)
  /// It was asked, and the answer is that it cannot be said.
  case undetermined(VerdictDraft)
  /// The reply cannot be used for it; it is asked again while it has tries.
  case unusable(Failure)
  /// Asking again cannot help.
  case failed(Failure)
}

/// A verdict before the engine gives it its place: ids, run, model and calls.
package struct VerdictDraft: Sendable, Equatable {
  package var value: Value?
  package var reasoning: String
  package var confidence: Confidence?
  package var flags: [String]
  package var detail: [UInt8]

  package init(
    value: Value?, reasoning: String = "", confidence: Confidence? = nil, flags: [String] = [],
    detail: [UInt8] = []
  ) {
    self.value = value
    self.reasoning = reasoning
    self.confidence = confidence
    self.flags = flags
    self.detail = detail
  }
}

/// What an aggregator gets: how the run ended, by counts that need not all be in memory.
package struct RunEnding: Sendable, Equatable {
  package var state: RunState
  package var reason: String
  package var totals: RunTotals
  /// Units that were not asked, and what that would cost; nothing when the run was not stopped.
  package var missing: WorkPrice

  package init(
    state: RunState, reason: String, totals: RunTotals, missing: WorkPrice = WorkPrice()
  ) {
    self.state = state
    self.reason = reason
    self.totals = totals
    self.missing = missing
  }
}
