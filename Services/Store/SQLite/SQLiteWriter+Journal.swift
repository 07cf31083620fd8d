import Failpoints
import Faults
import Machine
import SQLite
import StoreBackend
import StoreJournal

// A commit's own sync writes a dozen pages; the orders behind it take one block of a journal, and
// reach the disk while they are performed. So a group is durable by the journal until the log is
// synced with many others, and what a power cut takes from the log is done again when the file is
// opened: the same orders at the same time on the same state, with the same outcome.
extension SQLiteWriter {
  /// Whether groups go into a journal; else each commit is synced for itself.
  package var hasJournal: Bool { journal != nil }

  /// The journal's name beside the database.
  static func journalPath(_ path: String) -> String { "\(path)-orders" }

  /// Does again what the journal has and the file has not. From then on groups go into a journal
  /// that is this writer's own, if it `keeps` one and the machine has what that takes.
  func openJournal(keeps: Bool) throws(Fault) {
    let path = Self.journalPath(path)
    guard keeps || Files.facts(of: path) != nil else { return }
    Failpoint.pass("store.journal.before-redo")
    let records: [JournalRecord]
    (records, applied) = try recordsToRedo(path)
    for record in records { try redo(record) }
    Failpoint.pass("store.journal.after-redo")
    // A new name for both, and a sync of all that is in the log: old records mean nothing now.
    let life = JournalLife()
    try sql { () throws(SQLiteError) in
      try connection.transaction(.writing) { () throws(SQLiteError) in
        let name = try connection.statement("UPDATE journal SET life = ?")
        try name.bind(life.bytes, at: 1)
        try name.run()
        Failpoint.pass("store.journal.before-life")
      }
    }
    Failpoint.pass("store.journal.after-life")
    guard keeps else { return }
    do {
      journal = try OrderJournal(path, life, base: applied)
    } catch {
      // Then each commit is synced for itself, which is slower and just as safe.
      journalAbsence = error.description
    }
  }

  private func recordsToRedo(
    _ path: String
  ) throws(Fault) -> (records: [JournalRecord], applied: Int64) {
    let kept = try sql { () throws(SQLiteError) in
      let row = try connection.statement("SELECT life, applied FROM journal")
      defer { row.reset() }
      guard try row.step(), let life = JournalLife(row.bytes(at: 0)) else {
        throw .damagedRow("the name of the journal")
      }
      return (life: life, applied: row.int64(at: 1))
    }
    let records = try OrderJournal.records(at: path, of: kept.life, behind: kept.applied)
    return (records, kept.applied)
  }

  /// Orders that were refused are refused again; only a file that cannot take them is a fault.
  private func redo(_ record: JournalRecord) throws(Fault) {
    guard case .orders(let orders, let now) = record.kind else { return }
    redoing = record.number
    defer { redoing = nil }
    setback = nil
    _ = write(orders, atMicroseconds: now)
    if let fault { throw fault }
    guard let setback else { return }
    switch setback.code {
    case .full, .busy, .inaccessible: throw setback.storeFault(path)
    default: return
    }
  }

  // MARK: - Groups

  /// Has the group on its way to the disk while it is performed.
  func beginEntry(
    for orders: [WriteOrder], at now: Int64
  ) throws(SQLiteError) {
    guard redoing == nil, let made = journal?.entry(for: orders, at: now) else { return }
    if made.isKept, journal?.hasRoom(for: made) == false { try beginJournalAgain() }
    entry = made
    do { try journal?.begin(made) } catch { throw .journal(error) }
  }

  /// The number of the group goes with what it wrote.
  func writeApplied() throws(SQLiteError) {
    guard let number = redoing ?? entry?.number else { return }
    let update = try connection.statement("UPDATE journal SET applied = ?")
    try update.bind(number, at: 1)
    try update.run()
  }

  /// On return the group is on the disk: as orders, or as pages of the log.
  func commitEntry() throws(SQLiteError) {
    if entry?.isKept == true {
      do { try journal?.finish() } catch { throw .journal(error) }
      Failpoint.pass("store.group.before-commit")
      try connection.commitUnsynced()
    } else {
      Failpoint.pass("store.group.before-commit")
      try connection.commit()
    }
    guard let number = redoing ?? entry?.number else { return }
    applied = number
    guard let entry = entry.take() else { return }
    journal?.isDone(entry)
    // A group that was synced with the log synced what was before it, too.
    if !entry.isKept { journal?.beginAgain() }
  }

  /// Before anybody hears that the group was refused.
  func takeBackEntry() throws(SQLiteError) {
    guard let entry = entry.take() else { return }
    do { try journal?.takeBack(entry) } catch { throw .journal(error) }
  }

  /// Syncs the log, and with it all that the journal has.
  func beginJournalAgain() throws(SQLiteError) {
    guard journal != nil else { return }
    Failpoint.pass("store.log.before-sync")
    try connection.syncLog()
    Failpoint.pass("store.log.after-sync")
    journal?.beginAgain()
  }
}
