// LedgerFile: a ledger as it lies on a disk: lines, accounts, prices and keys in one SQLite file,
// the journals of what is under way and of what was settled beside it, one writer that groups
// commits, and readers. It decides nothing about a call and keeps no money in memory.
// One process has a folder at a time. Limits: `LedgerLimits`.

package import GatewayValues

/// Bounds of one ledger.
package enum LedgerLimits {
  /// Attempts between their reservation and the commit of their line.
  package static let liveAttemptsMax = 16_384
  /// Reservations that wait for the next chunk of a budget.
  package static let waitingMax = 4_096
  /// Combinations of product, key, run and model whose budgets are remembered.
  package static let partiesKeptMax = 8_192
  /// A reply that is kept for replay; a longer one is not kept, and its line says so.
  package static let replyBytesMax = 1 << 20
  /// Bytes of all replies that are kept, and how long one is.
  package static let repliesBytesMax: Int64 = 1 << 30
  package static let replyAgeMaxMilliseconds: Int64 = 30 * 86_400_000
  /// Replies that are dropped in one go.
  package static let repliesDroppedAtOnceMax = 1_000
  /// A journal from which the next one is begun.
  package static let journalBytesMax = 4 << 20
  /// One record of the journal: a reply and its names.
  package static let recordBytesMax = replyBytesMax + 65_536
  /// The journal of settlements, what of it is written in one go, and a reply that goes into it; a
  /// call with a longer one waits for the commit of its line.
  package static let settlementsBytes = 4 << 20
  package static let settlementGroupBytesMax = 256 << 10
  package static let replyInSettlementsBytesMax = 32 << 10
  /// What a settlement takes there beside its reply, at most.
  package static let settlementBytesMax = 4_096
  /// Without a draw for so long, a budget's open chunk is handed back.
  package static let idleMilliseconds: Int64 = 30_000
  /// How long what nobody waits for lies until others have come, before it is committed.
  package static let gatheringMilliseconds: Int64 = 50
  package static let linesGatheredMax = 512
  /// Of a group that was committed, what memory is told of in one go.
  package static let heardAtOnceMax = 32
  /// Orders of the writer's one transaction.
  package static let groupMax = 1_024
  /// How long the disk is left alone after it said that it is full.
  package static let fullPauseMilliseconds: Int64 = 250
  /// Questions that wait for a reader.
  package static let questionsWaitingMax = 1_024
  package static let questionMax = Duration.seconds(5)
  /// Lines and rows of one page.
  package static let pageMax = 1_000
  /// A text from a provider that is kept.
  package static let foreignTextBytesMax = 200
  /// Evidence of a correction, and what an administrator says about a change.
  package static let noteBytesMax = 2_000
  /// What one attempt can have cost.
  package static let correctionMax = NanoDollars(1_000_000_000_000_000)
  package static let limitsBlobBytesMax = 16_384
  /// Groups of spending that are told.
  package static let spendRowsMax = 1_000
  /// Bits that remember which call keys were used: 16 MiB, for eight million keys.
  package static let filterBitsMax = 1 << 27
  /// Pages of SQLite's log from which they are moved into the file, and from which readers are
  /// waited for.
  package static let walPagesSoftMax = 4_000
  package static let walPagesHardMax = 12_000
}

/// What an answer waits for.
package enum LedgerDurability: String, Sendable {
  /// The journal's page cache: survives the process, not a power cut.
  case process
  /// The sync of its settlement: in a journal, or of the group commit where there is none.
  case power
}
