import Failpoints
package import Machine

/// The open journal: what must survive this process, in the order in which it happened.
///
/// It is written and not synced: a crash of the process loses nothing of it, and what a power cut
/// loses lies below the ceilings that are synced elsewhere. Not thread safe.
package final class JournalFile {
  package let number: Int
  private let file: OpenFile
  private var writer = JournalWriter()
  package private(set) var byteCount = 0
  /// A write has failed: what follows it could not be read, so nothing may follow.
  package private(set) var isBroken = false

  package static func path(_ folder: String, _ number: Int) -> String {
    "\(folder)/journal-\(number)"
  }

  /// Numbers of the journals in a folder.
  package static func numbers(in folder: String) -> [Int] {
    Files.entries(of: folder).filter { $0.hasPrefix("journal-") }
      .compactMap { Int($0.dropFirst(8)) }.sorted()
  }

  /// Begins a journal with all that is under way.
  package init(
    in folder: String, number: Int, epoch: Int64, boot: String,
    carrying live: some Sequence<LiveAttempt>
  ) throws(MachineError) {
    self.number = number
    Failpoint.pass("ledger.journal.before-create")
    file = try OpenFile(Self.path(folder, number), for: .replace)
    Failpoint.pass("ledger.journal.after-create")
    writer.write(.opened(epoch: epoch, boot: boot))
    for attempt in live { carry(attempt) }
    writer.write(.whole)
    try flush()
    Failpoint.pass("ledger.journal.after-carry")
  }

  private func carry(_ attempt: LiveAttempt) {
    writer.write(.reserved(attempt))
    if attempt.line.sent.operation > 0 {
      writer.write(.sent(attempt.line.attempt, attempt.line.sent))
    }
    if attempt.line.state.isEnd { writer.write(.ended(attempt)) }
  }

  /// Keeps a record for the next flush.
  package func add(_ record: JournalRecord) { writer.write(record) }

  /// Hands everything to the system: from here on it survives this process.
  package func flush() throws(MachineError) {
    if writer.isEmpty { return }
    guard !isBroken else {
      _ = writer.take()
      throw MachineError("write", file.path, reason: "an earlier write has failed")
    }
    let bytes = writer.take()
    Failpoint.pass("ledger.journal.before-write")
    do {
      try file.write(bytes)
    } catch {
      isBroken = true
      throw error
    }
    Failpoint.pass("ledger.journal.after-write")
    byteCount += bytes.count
  }

  /// A journal that the next one has made superfluous.
  package static func remove(_ folder: String, _ number: Int) {
    try? Files.remove(path(folder, number))
  }
}
