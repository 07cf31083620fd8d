package import Faults
package import StoreContract

/// A writer that keeps a file in order, beside writing to it. Used by the writer's thread only.
package protocol StoreUpkeep: StoreWriting {
  /// What is due after a group and nobody waits for: called when the group is answered.
  func tidy()

  /// Puts the file in order when there is nothing to write, and before the writer is let go.
  func rest()

  /// Why nothing can be written any more, until the file is opened again.
  var fault: Fault? { get }

  /// Why writes take longer than they could; nil when they do not.
  var journalAbsence: String? { get }

  /// Bytes that were written and not yet put where they belong.
  var logBytes: Int { get }

  /// A copy of all there is, at a path where nothing stands yet.
  func beginCopy(to path: String) throws(Fault) -> any StoreCopying
}

/// A copy of a whole database on its way to another file, some pages a step, while writing goes
/// on. Used by the writer's thread only; letting go of it before its end leaves nothing behind.
package protocol StoreCopying: AnyObject {
  /// Copies some more; the last answer names the file.
  func step() throws(Fault) -> BackupProgress
}

extension StoreModel: StoreUpkeep {
  package func tidy() {}
  package func rest() {}
  package var fault: Fault? { nil }
  package var journalAbsence: String? { nil }
  package var logBytes: Int { 0 }

  package func beginCopy(to path: String) throws(Fault) -> any StoreCopying {
    throw Fault(.unimplemented, reason: "NO_BACKUP", "A store in memory cannot be copied.")
  }
}
