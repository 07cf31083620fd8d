package import GatewayContract
package import ScoreContract

/// What the owner of a run does next for its state machine.
///
/// Actions with an `ask` are answered by exactly one input with the same number, `refused` among
/// them, or by none when the lease is lost or `dropAsks` came; all others are done and forgotten.
/// They are begun in the order given, and need not wait for each other.
package enum RunAction: Sendable, Equatable {
  /// Store.Commit under the run's lease; idempotent by its id.
  case commit(ask: Int, RunCommit)
  /// Store.ReadUnits.
  case readUnits(ask: Int, UnitsQuery)
  /// Store.GetRun.
  case readRun(ask: Int)
  /// Store.LookupVerdicts.
  case lookUp(ask: Int, keys: [String])
  /// Gateway.Generate; the request carries its call key.
  case call(ask: Int, GenerateRequest)
  /// Gateway.GetCall.
  case recall(ask: Int, callKey: String)
  /// Feed `settle` when all that was asked so far is on its way.
  case settleSoon
  /// Feed `woke` at this time, instead of any earlier wish; nil: not at all.
  case wake(at: Int64?)
  /// Answers to all asks before this one are worth nothing now: calls may be ended. After a lost
  /// lease it is the last action, else the run is read anew.
  case dropAsks
  /// Give the lease back and forget the machine.
  case release
}

/// Facts that become true together.
package struct RunCommit: Sendable, Equatable {
  package let id: String
  package let facts: [Fact]

  package init(id: String, facts: [Fact]) {
    self.id = id
    self.facts = facts
  }
}

/// A page of the run's units, by ordinal.
package struct UnitsQuery: Sendable, Equatable {
  package var after: Int64
  package var states: [UnitState]
  /// Nil: of any.
  package var stage: UInt32?
  package var limit: Int

  package init(after: Int64, states: [UnitState], stage: UInt32?, limit: Int) {
    self.after = after
    self.states = states
    self.stage = stage
    self.limit = limit
  }
}
