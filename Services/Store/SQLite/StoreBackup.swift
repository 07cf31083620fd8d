import Failpoints
package import Faults
import Machine
import SQLite
package import StoreContract

/// A whole copy of a store's file, a piece at a time, while its writer goes on.
///
/// Copied by the writer itself, between its groups: what it writes meanwhile is in the copy too,
/// so that no old state has to be held, which would keep the log from beginning again. It has its
/// name only once it is whole and on the disk. Belongs to the writer's thread.
package final class StoreBackup {
  private let path: String
  private let partPath: String
  private var backup: Backup?
  private var isOver = false

  /// Refused when something stands at `path` already.
  package init(of writer: SQLiteWriter, to path: String) throws(Fault) {
    guard Files.facts(of: path) == nil else {
      throw Fault(
        .alreadyExists, reason: "BACKUP_EXISTS", "A backup is called this already.",
        hint: "Choose another name.", facts: ["path": path])
    }
    self.path = path
    partPath = path + ".part"
    try? Files.remove(partPath)
    Failpoint.pass("store.backup.before-start")
    var options = ConnectionOptions(.readWrite)
    options.journal = .rollback
    do {
      let copy = try Connection(partPath, options)
      backup = try Backup(from: writer.connection, to: copy)
    } catch {
      throw error.storeFault(partPath)
    }
  }

  deinit {
    if !isOver { try? Files.remove(partPath) }
  }

  /// Copies some pages more; the last answer names the file.
  package func step() throws(Fault) -> BackupProgress {
    let copied: Backup.Progress?
    do {
      copied = try backup?.step(pages: SQLiteStoreLimits.backupStepPages)
    } catch {
      throw error.storeFault(partPath)
    }
    guard let progress = copied else { return BackupProgress(path: path) }
    var told = BackupProgress(
      pagesDone: Int64(progress.pagesDone), pagesTotal: Int64(progress.pagesTotal))
    guard progress.isWhole else { return told }
    backup = nil
    try name()
    Failpoint.pass("store.backup.before-rename")
    do {
      try Files.rename(partPath, to: path)
    } catch {
      throw Fault(
        .unavailable, reason: "STORE_IO", "The backup is whole and cannot be named.",
        facts: ["path": path], cause: error.description)
    }
    Failpoint.pass("store.backup.after-rename")
    isOver = true
    told.path = path
    return told
  }

  /// A copy is another database: the journal of the first is not to be done again in it.
  private func name() throws(Fault) {
    var options = ConnectionOptions(.readWrite)
    options.journal = .rollback
    do {
      try Connection(partPath, options).execute("UPDATE journal SET life = randomblob(16)")
    } catch {
      throw error.storeFault(partPath)
    }
  }
}
