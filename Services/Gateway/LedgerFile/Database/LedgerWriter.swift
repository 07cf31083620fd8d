import Digest
import Failpoints
package import Faults
import GatewayBudgets
import GatewayValues
package import SQLite

/// The one writer of a ledger's database, and its only checkpointer. Not thread safe.
package final class LedgerWriter {
  /// What became of a group.
  package enum Outcome: Sendable {
    case committed([LedgerReceipt])
    /// Nothing of it is kept; it may be given again.
    case full(Fault)
    /// Nothing of it is kept, and nothing will be until the file is opened again.
    case broken(Fault)
  }

  package let connection: Connection
  package let path: String
  package var lines: ChainedTable
  package var changes: [String: ChainedTable] = [:]
  package let epoch: Int64
  /// What the lines of this group add to, by its key: one row each instead of one for each line.
  package var spend: [SpendKey: SpendSum] = [:]
  /// The same for accounts.
  package var drawn: [Int64: AccountSum] = [:]
  private var broken: Fault?
  private var nextCheckpointPages = LedgerLimits.walPagesSoftMax

  package init(_ connection: Connection, path: String, epoch: Int64) throws(SQLiteError) {
    self.connection = connection
    self.path = path
    self.epoch = epoch
    lines = try ChainedTable("lines", columns: LedgerLine.columnCount, in: connection)
    for (name, columns) in [
      ("budget_versions", 12), ("price_versions", 14), ("key_versions", 8),
      ("product_versions", 5), ("change_log", 6), ("predictions", 2),
    ] {
      changes[name] = try ChainedTable(name, columns: columns, in: connection)
    }
  }

  package func write(_ group: [LedgerWork]) -> Outcome {
    if let broken { return .broken(broken) }
    let before = (lines, changes)
    do {
      return .committed(try attempt(group))
    } catch {
      connection.rollBack()
      (lines, changes) = before
      spend.removeAll()
      drawn.removeAll()
      let fault = error.ledgerFault(path)
      if error.code == .full { return .full(fault) }
      // After a failed sync nobody knows what the disk holds, and a rule of the schema that a
      // line breaks is our own mistake: in both cases going on would only hide it.
      broken = fault
      return .broken(fault)
    }
  }

  private func attempt(_ group: [LedgerWork]) throws(SQLiteError) -> [LedgerReceipt] {
    Failpoint.pass("ledger.group.before-begin")
    try connection.begin(.writing)
    var receipts: [LedgerReceipt] = []
    receipts.reserveCapacity(group.count)
    for work in group { receipts.append(try perform(work)) }
    try writeAccounts()
    try writeSpend()
    Failpoint.pass("ledger.group.before-commit")
    try connection.commit()
    Failpoint.pass("ledger.group.after-commit")
    return receipts
  }

  private func perform(_ work: LedgerWork) throws(SQLiteError) -> LedgerReceipt {
    if case .line(let attempt) = work { return .line(try add(attempt)) }
    // Whatever else looks at an account, or lowers it, finds it with all that came before.
    try writeAccounts()
    return try performAlone(work)
  }

  private func performAlone(_ work: LedgerWork) throws(SQLiteError) -> LedgerReceipt {
    switch work {
    case .line(let attempt): .line(try add(attempt))
    case .open(let key, let cap, let wanted):
      .account(try open(key, cap: cap, wanted: wanted))
    case .raise(let raise):
      try set(raise, "UPDATE accounts SET ceiling = max(ceiling, ?) WHERE id = ?")
    case .handBack(let raise):
      try set(raise, "UPDATE accounts SET ceiling = max(settled + uncertain, ?) WHERE id = ?")
    case .correct(let correction): try correct(correction)
    case .set(let change): try perform(change)
    case .barrier: try markSeen()
    }
  }

  private func set(
    _ raise: Escrow.Raise, _ sql: StaticString
  ) throws(SQLiteError) -> LedgerReceipt {
    let row = try connection.statement(sql)
    try row.bind(raise.ceiling, at: 1)
    try row.bind(raise.id, at: 2)
    try row.run()
    return .raised(raise)
  }

  /// Writes something: a full disk has to say so.
  private func markSeen() throws(SQLiteError) -> LedgerReceipt {
    let row = try connection.statement("UPDATE epochs SET seen_at = seen_at + 1 WHERE number = ?")
    try row.bind(epoch, at: 1)
    try row.run()
    return .done
  }

  private func open(
    _ key: AccountKey, cap: Int64, wanted: Int64
  ) throws(SQLiteError) -> EscrowAccount {
    let make = try connection.statement(
      """
      INSERT INTO accounts (budget, subject, window_start, window_end, settled, uncertain, ceiling)
      VALUES (?, ?, ?, ?, 0, 0, 0) ON CONFLICT DO NOTHING
      """)
    try make.bind(key.budget.text, at: 1)
    try make.bind(key.subject, at: 2)
    try make.bind(key.window.start, at: 3)
    try make.bind(key.window.end, at: 4)
    try make.run()
    let find = try connection.statement(
      """
      SELECT id, settled, uncertain, ceiling FROM accounts
      WHERE budget = ? AND window_start = ? AND subject = ?
      """)
    try find.bind(key.budget.text, at: 1)
    try find.bind(key.window.start, at: 2)
    try find.bind(key.subject, at: 3)
    guard try find.step() else { throw SQLiteError(11, message: "an account is not there") }
    var account = EscrowAccount(
      id: find.int64(at: 0), key: key, cap: cap, settled: find.int64(at: 1),
      uncertain: find.int64(at: 2), ceiling: find.int64(at: 3))
    find.reset()
    account.wanted = wanted
    if let ceiling = account.raise() {
      _ = try set(
        Escrow.Raise(id: account.id, ceiling: ceiling),
        "UPDATE accounts SET ceiling = max(ceiling, ?) WHERE id = ?")
      account.raised(to: ceiling)
    }
    account.wanted = 0
    return account
  }

  // MARK: - The log's length

  package func tidy() {
    guard broken == nil, connection.walPages >= nextCheckpointPages else { return }
    checkpoint(connection.walPages >= LedgerLimits.walPagesHardMax ? .truncate : .passive)
    let soft = LedgerLimits.walPagesSoftMax
    nextCheckpointPages = max(soft, connection.walPages + soft / 4)
  }

  /// Before it is let go, and when there is nothing to do.
  package func rest() {
    guard broken == nil, connection.walPages > 0 else { return }
    checkpoint(.truncate)
    nextCheckpointPages = LedgerLimits.walPagesSoftMax
  }

  private func checkpoint(_ kind: Connection.Checkpoint) {
    Failpoint.pass("ledger.checkpoint.before")
    do {
      let state = try connection.checkpoint(kind)
      if state.pages == state.moved { connection.forgetWALPages() }
    } catch  where error.code == .io || error.code == .damaged {
      broken = error.ledgerFault(path)
    } catch {
      // Full or busy: the log keeps what it has, and it is tried again.
    }
    Failpoint.pass("ledger.checkpoint.after")
  }

  /// The last word of an epoch: nothing is under way, and no chunk is open.
  package func close(at now: Int64) {
    guard broken == nil else { return }
    let isClosed: Void? = try? connection.transaction(.writing) { () throws(SQLiteError) in
      let row = try connection.statement("UPDATE epochs SET closed_at = ? WHERE number = ?")
      try row.bind(now, at: 1)
      try row.bind(epoch, at: 2)
      try row.run()
      Failpoint.pass("ledger.close.before-commit")
    }
    Failpoint.pass("ledger.close.after-commit")
    if isClosed != nil { rest() }
  }
}
