/// What one call does about its provider's prompt cache.
package struct PromptPlan: Equatable, Sendable {
  /// The planner's name of the call.
  package let id: UInt64
  /// Blocks to be marked, by their places; none where the caller's own marks stay.
  package var marks: [Int: PrefixLife] = [:]
  /// What calls that begin alike share, where a provider takes such a key.
  package var cacheKey: String?
  package var readPredicted: Int64 = 0
  package var writePredicted: Int64 = 0
  /// Whether others may wait for it.
  package var isLeader = false
}

/// Whether a call may go.
package enum PromptDecision: Equatable, Sendable {
  case go(PromptPlan)
  /// Another call is about to write what this one would read.
  case wait(behind: UInt64)
}

/// What was read and written of a cache.
package struct PromptUse: Equatable, Sendable {
  package var read: Int64
  package var written: Int64

  package init(read: Int64, written: Int64) {
    self.read = read
    self.written = written
  }
}
