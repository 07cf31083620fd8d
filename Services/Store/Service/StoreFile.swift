package import EventLoop
package import Faults
import Machine
package import StoreBackend
import StoreSQLite

/// The database file as the configuration names it: checked, locked for this process, opened.
package struct StoreFile: Sendable {
  package let path: String

  /// The name within a folder.
  static let nameInFolder = "store.db"
  /// How long the process before may take to let go of the file.
  private static let lockPatience = Duration.seconds(5)

  /// Takes a file, or a folder for one; makes the folders that are missing.
  package init(path: String?, takesNetwork: Bool = false) throws {
    guard let path, !path.isEmpty else {
      throw Fault(
        .failedPrecondition, reason: "STORE_PATH_MISSING", "Nobody says where the database is.",
        hint: "Set ASSAY_STORE_PATH to a folder of its own on a disk of this machine, "
          + "for example /var/lib/assay/store.")
    }
    let isFolder =
      switch Files.facts(of: path, followingLinks: true)?.kind {
      case .directory: true
      case nil: !Self.looksLikeFile(path)
      default: false
      }
    var folder = isFolder ? path : path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    if folder.isEmpty { folder = "/" }
    self.path = isFolder ? "\(folder)/\(Self.nameInFolder)" : path
    do throws(MachineError) {
      try Files.makeDirectories(folder)
    } catch {
      throw Self.unusable(folder, error.description)
    }
    guard Files.isWritable(folder) else { throw Self.unusable(folder, "it cannot be written to") }
    if let name = MachineFacts.networkFileSystem(at: folder), !takesNetwork {
      throw Fault(
        .failedPrecondition, reason: "STORE_ON_NETWORK",
        "\(folder) lies on \(name), where locks and syncs may be lies.",
        hint: "Use a disk of this machine; ASSAY_STORE_NETWORK_FILE_SYSTEM=true takes it anyway.",
        facts: ["path": folder, "file_system": name])
    }
  }

  /// Where nothing stands yet: `store.db` is to be a file, `data` and `data/` a folder.
  private static func looksLikeFile(_ path: String) -> Bool {
    path.split(separator: "/", omittingEmptySubsequences: false).last?.dropFirst().contains(".")
      ?? false
  }

  private static func unusable(_ folder: String, _ why: String) -> Fault {
    Fault(
      .failedPrecondition, reason: "STORE_PATH_UNUSABLE",
      "The folder of the database, \(folder), cannot be used: \(why).",
      hint: "Look at its owner and mode, or set ASSAY_STORE_PATH to another.",
      facts: ["path": folder])
  }

  /// Takes the file for this process: two writers would damage it. Waits a little for a process
  /// that is about to end.
  package func lock(on loop: EventLoop) async throws -> StoreLock {
    let deadline = ContinuousClock.now + Self.lockPatience
    while true {
      if let lock = try StoreLock(path: "\(path).lock") { return lock }
      guard ContinuousClock.now < deadline else {
        throw Fault(
          .failedPrecondition, reason: "STORE_IN_USE", "Another store has \(path) open.",
          hint: "A database has one store: stop the other, or name another file.",
          facts: ["path": path])
      }
      try await loop.sleep(for: .milliseconds(20))
    }
  }

  package var opening: StoreOpening {
    let store = SQLiteStore(path: path)
    return StoreOpening(
      writer: { try store.openWriter() }, reader: { try store.openReader() })
  }
}

/// The word that a database belongs to this process, for as long as this lives.
package final class StoreLock: Sendable {
  private let file: OpenFile

  /// Nil when another process has it.
  init?(path: String) throws(MachineError) {
    let file = try OpenFile(path, for: .lock)
    guard try file.lock() else { return nil }
    self.file = file
  }
}

extension SQLiteWriter: StoreUpkeep {
  package var logBytes: Int { walPages * 4_096 }

  package func beginCopy(to path: String) throws(Fault) -> any StoreCopying {
    try StoreBackup(of: self, to: path)
  }
}

extension StoreBackup: StoreCopying {}
