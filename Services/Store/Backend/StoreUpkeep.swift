package import Faults

/// A writer that keeps a file in order, beside writing to it. Used by the writer's thread only.
package protocol StoreUpkeep: StoreWriting {
  /// Puts the file in order when there is nothing to write, and before the writer is let go.
  func rest()

  /// Why nothing can be written any more, until the file is opened again.
  var fault: Fault? { get }

  /// Bytes that were written and not yet put where they belong.
  var logBytes: Int { get }
}

extension StoreModel: StoreUpkeep {
  package func rest() {}
  package var fault: Fault? { nil }
  package var logBytes: Int { 0 }
}

/// A copy of a whole database on its way to another file, some pages a step, while writing goes
/// on. Blocking; used by one thread at a time.
package protocol StoreCopying: AnyObject {
  func step() throws(Fault) -> CopyProgress
  /// Closes the copy, so that it is one whole file.
  func finish() throws(Fault)
}

/// How far a copy has come.
package struct CopyProgress: Equatable, Sendable {
  package let pagesDone: Int
  package let pagesTotal: Int
  package let isWhole: Bool

  package init(pagesDone: Int, pagesTotal: Int, isWhole: Bool) {
    self.pagesDone = pagesDone
    self.pagesTotal = pagesTotal
    self.isWhole = isWhole
  }
}
