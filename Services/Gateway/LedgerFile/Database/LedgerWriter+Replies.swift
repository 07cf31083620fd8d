import Failpoints
import SQLite

extension LedgerWriter {
  /// Drops replies that are too old, and the oldest of too many; their lines stay.
  package func dropReplies(at now: Int64) {
    do {
      try connection.transaction(.writing) { () throws(SQLiteError) in
        let old = try connection.statement(
          """
          DELETE FROM replies WHERE line IN (
            SELECT line FROM replies WHERE kept_at < ? ORDER BY line LIMIT ?)
          """)
        try old.bind(now - LedgerLimits.replyAgeMaxMilliseconds, at: 1)
        try old.bind(LedgerLimits.repliesDroppedAtOnceMax, at: 2)
        try old.run()
        let bytes = try connection.number("SELECT coalesce(sum(length(bytes)), 0) FROM replies")
        if bytes > LedgerLimits.repliesBytesMax {
          let oldest = try connection.statement(
            "DELETE FROM replies WHERE line IN (SELECT line FROM replies ORDER BY line LIMIT ?)")
          try oldest.bind(LedgerLimits.repliesDroppedAtOnceMax, at: 1)
          try oldest.run()
        }
        Failpoint.pass("ledger.replies.before-commit")
      }
      Failpoint.pass("ledger.replies.after-commit")
    } catch {
      // Nothing depends on it; the next commit finds out what is wrong with the disk.
    }
  }
}
