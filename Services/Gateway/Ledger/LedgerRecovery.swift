import Failpoints
package import Faults
import GatewayBudgets
import GatewayValues
package import LedgerFile
import Machine
package import SQLite

/// Brings a ledger from wherever its last process left it to a state in which nothing is open.
///
/// What was reserved and not sent is void. What was sent is charged at its bound, uncertain, and
/// listed. What the journal of settlements has kept ends as it was settled. When the other journal
/// may have lost something, all that lay in an open chunk is uncertain too, one line for each
/// account.
package struct LedgerRecovery {
  /// What was found, for the log and for tests.
  package struct Report: Equatable, Sendable {
    package var epoch: Int64 = 1
    package var operation: Int64 = 0
    package var replayed = 0
    package var void = 0
    package var uncertain = 0
    package var gaps = 0
    /// Ends that only the journal of settlements had kept.
    package var kept = 0
    /// Whether the journal is known to tell everything.
    package var isWhole = true

    package init() {}
  }

  package let folder: String
  package let boot: String
  package let now: Int64
  package private(set) var report = Report()
  /// What the new epoch's journal of settlements is known by.
  package let life = SettlementLife()

  package init(folder: String, boot: String, now: Int64) {
    self.folder = folder
    self.boot = boot
    self.now = now
  }

  /// All in one transaction, which also begins the new epoch.
  package mutating func run(_ connection: Connection) throws(Fault) -> LedgerWriter {
    let journal = newestJournal()
    let settlements: [UInt8]
    do {
      settlements = try SettlementGroup.read(folder)
    } catch {
      throw .ledgerDisk(error, folder)
    }
    do {
      try connection.begin(.writing)
      let writer = try settle(journal, settlements, connection)
      Failpoint.pass("ledger.recovery.before-commit")
      try connection.commit()
      Failpoint.pass("ledger.recovery.after-commit")
      // The names of new files have to outlive a power cut as their bytes do.
      try? Files.sync(folder)
      // Every chunk is handed back and the new epoch has no journal yet: these tell nothing more.
      for number in JournalFile.numbers(in: folder) { JournalFile.remove(folder, number) }
      return writer
    } catch {
      connection.rollBack()
      throw error.ledgerFault(folder)
    }
  }

  /// The newest that carries over all that was under way when it was begun.
  private func newestJournal() -> JournalState? {
    for number in JournalFile.numbers(in: folder).reversed() {
      guard let state = try? JournalFile.read(JournalFile.path(folder, number)) else { continue }
      if state.isWhole { return state }
    }
    return nil
  }

  private mutating func settle(
    _ journal: JournalState?, _ settlements: [UInt8], _ connection: Connection
  ) throws(SQLiteError) -> LedgerWriter {
    let last = try connection.statement(
      "SELECT number, boot, closed_at IS NOT NULL, life FROM epochs ORDER BY number DESC LIMIT 1")
    let hasLast = try last.step()
    let (epoch, lastBoot) = hasLast ? (last.int64(at: 0), last.text(at: 1)) : (0, boot)
    let isClosed = hasLast && last.int64(at: 2) == 1
    let lastLife = hasLast ? SettlementLife(last.bytes(at: 3)) : nil
    last.reset()
    report.epoch = epoch + 1
    let begin = try connection.statement("INSERT INTO epochs VALUES (?, ?, ?, NULL, 0, ?)")
    try begin.bind(report.epoch, at: 1)
    try begin.bind(boot, at: 2)
    try begin.bind(now, at: 3)
    try begin.bind(life.bytes, at: 4)
    try begin.run()
    let writer = try LedgerWriter(connection, path: folder, epoch: report.epoch)
    report.operation = try connection.number(
      """
      SELECT max((SELECT coalesce(max(ended_op), 0) FROM lines),
        (SELECT coalesce(max(operation), 0) FROM budget_versions))
      """)
    let isOurs = journal?.epoch == epoch
    report.isWhole =
      epoch == 0 || isClosed
      || (isOurs && journal?.isUnbroken == true && journal?.boot == boot
        // A machine that does not say which start this is may have started anew.
        && lastBoot == boot && !boot.isEmpty)
    var attempts = isOurs ? journal?.attempts ?? [:] : [:]
    if !isClosed, let lastLife {
      add(SettlementScan(settlements, of: lastLife), to: &attempts)
    }
    try replay(attempts, writer)
    try writer.writeAccounts()
    if !report.isWhole { try fillGaps(writer) }
    try writer.writeAccounts()
    try connection.execute("UPDATE accounts SET ceiling = settled + uncertain")
    try writer.writeSpend()
    return writer
  }

  /// What was settled for certain, whatever the other journal says of it.
  private mutating func add(
    _ settlements: SettlementScan, to attempts: inout [AttemptID: LiveAttempt]
  ) {
    for (id, attempt) in settlements.attempts where attempts[id]?.line.state.isEnd != true {
      report.kept += 1
      attempts[id] = attempt
    }
  }

  /// Writes the lines of what ended, and ends what did not.
  private mutating func replay(
    _ known: [AttemptID: LiveAttempt], _ writer: LedgerWriter
  ) throws(SQLiteError) {
    var attempts: [LiveAttempt] = []
    for attempt in known.values {
      report.operation = max(
        report.operation, attempt.line.reserved.operation, attempt.line.sent.operation,
        attempt.line.ended.operation)
      let line = try writer.connection.statement(
        "SELECT 1 FROM lines WHERE attempt = ? AND kind = 1")
      try line.bind(attempt.line.attempt.number, at: 1)
      if try !line.step() { attempts.append(attempt) }
      line.reset()
    }
    // As they ended, then as they were reserved: the order in which they are told again.
    attempts.sort { Self.order($0.line) < Self.order($1.line) }
    for attempt in attempts {
      if attempt.line.state.isEnd {
        report.replayed += 1
        _ = try writer.add(attempt)
      } else {
        try endByCrash(attempt, writer)
      }
    }
  }

  private static func order(_ line: LedgerLine) -> (Int64, Int64) {
    (line.state.isEnd ? line.ended.operation : .max, line.reserved.operation)
  }

  private mutating func endByCrash(
    _ attempt: LiveAttempt, _ writer: LedgerWriter
  ) throws(SQLiteError) {
    var attempt = attempt
    var machine = AttemptStateMachine(attempt.line.state)
    _ = machine.take(.crash)
    report.operation += 1
    attempt.line.state = machine.state
    attempt.line.flags.insert(.afterCrash)
    attempt.line.ended = LedgerLine.Moment(operation: report.operation, milliseconds: now)
    attempt.line.usage = TokenUsage()
    if machine.state == .uncertain {
      report.uncertain += 1
      attempt.line.cost = attempt.line.bound
      attempt.line.standing = .uncertain
      attempt.line.outcome = .lost
    } else {
      report.void += 1
      attempt.line.cost = .zero
      attempt.line.outcome = .notSent
    }
    _ = try writer.add(attempt)
  }

  /// What the open chunks held and no line explains.
  private mutating func fillGaps(_ writer: LedgerWriter) throws(SQLiteError) {
    guard let nobody = GatewayName("nobody") else { return }
    let row = try writer.connection.statement(
      """
      SELECT id, ceiling - settled - uncertain FROM accounts
      WHERE ceiling > settled + uncertain ORDER BY id
      """)
    var gaps: [(account: Int64, amount: Int64)] = []
    while try row.step() { gaps.append((row.int64(at: 0), row.int64(at: 1))) }
    for gap in gaps {
      report.gaps += 1
      report.operation += 1
      var line = LedgerLine(
        attempt: AttemptID(number: 0),
        order: AttemptOrder(
          party: CallParty(product: nobody, key: nobody, model: nobody), provider: nobody,
          bound: CallBound(inputTokensMax: 0, outputTokensMax: 0)))
      line.kind = .gap
      line.state = .uncertain
      line.standing = .uncertain
      line.outcome = .lost
      line.flags = .afterCrash
      line.bound = NanoDollars(gap.amount)
      line.cost = line.bound
      line.accounts = [gap.account]
      line.ended = LedgerLine.Moment(operation: report.operation, milliseconds: now)
      _ = try writer.add(LiveAttempt(line: line, requestHash: []))
    }
  }
}
