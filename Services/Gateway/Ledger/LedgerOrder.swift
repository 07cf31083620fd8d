import Faults
import GatewayBudgets
import LedgerFile

/// Work on its way to the writer, and who waits for it.
struct LedgerOrder: Sendable {
  typealias Answer = CheckedContinuation<Result<LedgerReceipt, Fault>, Never>

  let work: LedgerWork
  var answer: Answer?
  /// Nobody needs it yet.
  var isAhead = false

  /// Whether it may lie until others have come.
  var canWait: Bool {
    if case .line = work { answer == nil } else { isAhead }
  }

  /// What of it is kept when the disk is full: what happened cannot be taken back, what was only
  /// wished for can.
  var keptWhenFull: LedgerOrder? {
    switch work {
    case .line, .open, .raise, .handBack: LedgerOrder(work: work, answer: nil)
    case .correct, .set, .barrier: nil
    }
  }
}

/// What the writer's thread owns.
final class WriterSeat {
  let writer: LedgerWriter
  /// What a full disk did not take, in its order.
  var backlog: [LedgerOrder] = []
  var groups = 0

  init(_ writer: LedgerWriter) { self.writer = writer }
}

/// What the writer's thread takes.
enum WriterItem: Sendable {
  case orders([LedgerOrder])
  /// Something else to do with the writer, between two groups.
  case errand(@Sendable (LedgerWriter) -> Void)
}
