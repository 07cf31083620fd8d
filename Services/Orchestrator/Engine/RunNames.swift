import Digest

/// Names that mean the same in every process: call keys, commit ids, verdict ids, batch ids.
///
/// None depends on a clock, on chance or on who owns the run, so that what is done twice is done
/// under one name.
package struct RunNames: Sendable, Equatable {
  package let runID: String

  package init(runID: String) { self.runID = runID }

  /// The name under which a batch is paid for, once.
  package func callKey(of batch: Batch) -> String {
    RunNames.hash(["call", runID, batch.id] + batch.units.map(\.key))
  }

  /// The name of what a commit settles, in one generation of the run.
  package func commitID(_ what: String, generation: UInt32) -> String {
    RunNames.hash(["commit", runID, String(generation), what])
  }

  package func verdictID(unit: String, batch: String) -> String {
    RunNames.hash(["verdict", runID, unit, batch])
  }

  // MARK: - Batches

  /// A unit that waits for the verdict of another with the same key in the same run.
  package static let followerBatch = "="

  /// A batch of the plan is called after the ordinal of its first unit.
  package static func batchID(firstOrdinal: Int64) -> String { String(firstOrdinal) }

  /// `7` asks again as `7.1`; split, as `7.1` and `7.2`.
  package static func childID(of batch: String, _ index: Int) -> String { "\(batch).\(index)" }

  /// Units that had ended and are asked again: `7.1` in the second generation is `7~2`.
  package static func reopenedID(of batch: String, generation: UInt32) -> String {
    batch.first == "=" || batch.isEmpty
      ? followerBatch : "\(family(of: batch))~\(generation)"
  }

  /// The batch of the plan that it descends from: all of a family lie between that batch's first
  /// ordinal and the next one's.
  package static func family(of batch: String) -> Substring {
    batch.prefix { $0 != "." && $0 != "~" && $0 != "@" }
  }

  /// What a failed unit remembers: its last batch, and in which generation of the run it failed,
  /// so that a resume asks it again once and not once for each owner.
  package static func failedID(of batch: String, generation: UInt32) -> String {
    "\(batch)@\(generation)"
  }

  /// The generation in which a unit failed.
  package static func failedGeneration(_ batch: String) -> UInt32? {
    batch.split(separator: "@").last.flatMap { UInt32($0) }
  }

  private static func hash(_ fields: [String]) -> String {
    var digest = SHA256()
    for field in fields { digest.update(field: field) }
    return digest.finishHex()
  }
}
