import Failpoints
package import Faults
package import Machine
package import StoreBackend

/// The journal of a database that is open: groups go in before the database commits them, and it
/// begins again whenever the database's log is synced. Belongs to the writer's thread.
package struct OrderJournal: ~Copyable {
  private var file: DirectFile
  private let life: JournalLife
  /// Where the next record goes.
  private var offset = 0
  /// The last number that was given away.
  private var number: Int64
  /// The last group that the database holds.
  private var base: Int64

  /// Opens the file for a life in which nothing was written yet; `base` is the last group that
  /// the database holds. Throws where the kernel or the file system has no such files.
  package init(_ path: String, _ life: JournalLife, base: Int64) throws(MachineError) {
    file = try DirectFile(
      path, byteCount: JournalLimits.fileBytes, bytesMax: JournalLimits.recordBytesMax)
    self.life = life
    self.base = base
    number = base
  }

  /// What a file holds, for whoever opens the database that it belongs to.
  package static func records(
    at path: String, of life: JournalLife, behind applied: Int64
  ) throws(Fault) -> [JournalRecord] {
    guard Files.facts(of: path) != nil else { return [] }
    let bytes: [UInt8]
    do {
      bytes = try Files.read(path, bytesMax: JournalLimits.fileBytes)
    } catch {
      throw Fault(
        .unavailable, reason: "STORE_IO", "The journal of the database cannot be read.",
        facts: ["path": path], cause: error.description)
    }
    return try JournalScan.records(in: bytes, of: life, behind: applied)
  }

  /// A group on its way into the journal.
  package struct Entry: Sendable {
    package let number: Int64
    fileprivate let pieces: [[UInt8]]?
    fileprivate let room: Int

    /// Whether it goes into the journal; else its commit must be synced.
    package var isKept: Bool { pieces != nil }
  }

  /// Gives the group its number.
  package mutating func entry(for orders: [WriteOrder], at now: Int64) -> Entry {
    number += 1
    let record = JournalRecord(
      number: number, base: base, kind: .orders(orders, atMicroseconds: now))
    let pieces = record.pieces(in: life)
    let count = pieces?.reduce(0) { $0 + $1.count } ?? 0
    return Entry(number: number, pieces: pieces, room: DirectFile.room(for: count))
  }

  /// Whether the journal takes it now, and the word that it is void besides; else it has to begin
  /// again first.
  package func hasRoom(for entry: Entry) -> Bool {
    offset + entry.room + JournalLimits.blockBytes <= file.byteCount
  }

  /// Begins to write the group, while its orders are performed.
  package mutating func begin(_ entry: Entry) throws(MachineError) {
    guard let pieces = entry.pieces else { return }
    Failpoint.pass("store.journal.before-write")
    try file.begin(pieces, at: offset)
    offset += entry.room
  }

  /// Returns when what was begun is on the disk.
  package mutating func finish() throws(MachineError) {
    try file.finish()
    Failpoint.pass("store.journal.after-write")
  }

  /// The group is in the database.
  package mutating func isDone(_ entry: Entry) { base = entry.number }

  /// Says, durably, that the group did not happen; before anybody hears that it was refused.
  package mutating func takeBack(_ entry: Entry) throws(MachineError) {
    guard entry.isKept else { return }
    try file.finish()
    number += 1
    let record = JournalRecord(number: number, base: base, kind: .void)
    guard let pieces = record.pieces(in: life) else { return }
    Failpoint.pass("journal.void.before-write")
    try file.begin(pieces, at: offset)
    offset += JournalLimits.blockBytes
    try file.finish()
    Failpoint.pass("journal.void.after-write")
  }

  /// All that the database holds is on the disk by itself now.
  package mutating func beginAgain() { offset = 0 }

  /// Whether it would be well to begin again before somebody has to wait for it.
  package var isHalfFull: Bool { offset * 2 > file.byteCount }
}
