import Failpoints
package import Machine

/// The open journal: what must survive this process, in the order in which it happened.
///
/// It is written as memory and not synced: a crash of the process loses nothing of it, and what a
/// power cut loses lies below the ceilings that are synced elsewhere. Not thread safe.
package final class JournalFile {
  package let number: Int
  private var file: MappedFile
  private var writer = JournalWriter()
  /// A write has failed: what follows it could not be read, so nothing may follow.
  package private(set) var isBroken = false

  package var byteCount: Int { file.byteCount }

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
    file = try MappedFile(Self.path(folder, number))
    Failpoint.pass("ledger.journal.after-create")
    writer.write(.opened(epoch: epoch, boot: boot))
    for attempt in live { carry(attempt) }
    writer.write(.whole)
    try flush()
    Failpoint.pass("ledger.journal.after-carry")
  }

  private func carry(_ attempt: LiveAttempt) {
    if attempt.line.sent.operation > 0 {
      add(sent: attempt)
    } else {
      writer.write(.reserved(attempt))
    }
    if attempt.line.state.isEnd { add(ended: attempt) }
  }

  /// Keeps for the next flush that an attempt was reserved and is sent.
  package func add(sent attempt: LiveAttempt) { writer.write(sent: attempt) }

  /// Keeps for the next flush how an attempt ended.
  package func add(ended attempt: LiveAttempt) { writer.write(ended: attempt) }

  /// Everything that was added is the file's: from here on it survives this process.
  package func flush() throws(MachineError) {
    if writer.isEmpty { return }
    guard !isBroken else {
      writer.forget()
      throw MachineError("write", file.path, reason: "an earlier write has failed")
    }
    Failpoint.pass("ledger.journal.before-write")
    defer { writer.forget() }
    do {
      try file.append(writer.bytes)
    } catch {
      isBroken = true
      throw error
    }
    Failpoint.pass("ledger.journal.before-commit")
    file.commit()
    Failpoint.pass("ledger.journal.after-commit")
  }

  /// What a journal says; one of an older program is read as it was written then.
  package static func read(_ path: String) throws(MachineError) -> JournalState {
    guard let (bytes, isWhole) = try MappedFile.read(path) else {
      return JournalState(try Files.read(path))
    }
    // Nothing that counts is torn by the end of a process: what is, the disk has lost.
    var state = JournalState(bytes, mayBeTorn: false)
    state.isUnbroken = state.isUnbroken && isWhole
    return state
  }

  /// A journal that the next one has made superfluous.
  package static func remove(_ folder: String, _ number: Int) {
    try? Files.remove(path(folder, number))
  }
}
