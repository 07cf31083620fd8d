import EventLoop
import Faults
import Machine
import StoreBackend
import StoreContract
import Synchronization

/// Where copies of the database go: into one folder, under names without a way out of it, each
/// whole or not there.
final class BackupFolder: Sendable {
  private let path: String?
  private let queue: CommitQueue
  private let files = BlockingPool(name: "store-files", threadsMax: 1)
  private let isRunning = Atomic<Bool>(false)

  private static let nameBytesMax = 200

  init(path: String?, queue: CommitQueue) {
    self.path = path
    self.queue = queue
  }

  /// Copies the database under a name; `report` hears how far it is, with the path at the end.
  func copy(
    to name: String, _ report: (BackupProgress) async throws -> Void
  ) async throws {
    let target = try target(name)
    guard !isRunning.exchange(true, ordering: .acquiring) else {
      throw Fault(
        .resourceExhausted, reason: "BACKUP_RUNNING", "Another backup is being made.",
        retryAfter: .seconds(5))
    }
    defer {
      queue.endCopy()
      isRunning.store(false, ordering: .releasing)
    }
    try await files.run {
      guard Files.facts(of: target) == nil else { throw Self.exists(target) }
      try Files.makeDirectories(Self.folder(of: target))
    }
    var isFirst = true
    while true {
      try Task.checkCancellation()
      let progress = try await queue.copyStep(to: target, isFirst: isFirst)
      isFirst = false
      if !progress.path.isEmpty { try await files.run { try Files.sync(Self.folder(of: target)) } }
      try await report(progress)
      if !progress.path.isEmpty { return }
    }
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  private func target(_ name: String) throws(Fault) -> String {
    guard let path else {
      throw Fault(
        .failedPrecondition, reason: "BACKUP_PATH_MISSING", "Nobody says where backups go.",
        hint: "Set ASSAY_STORE_BACKUP_PATH to a folder of its own.")
    }
    let isName =
      (1...Self.nameBytesMax).contains(name.utf8.count) && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || "._-".utf8.contains(byte)
      }
    guard isName else {
      throw Fault(
        .invalidArgument, reason: "BAD_BACKUP_NAME", "This is no name of a backup.",
        hint: "Use letters, digits, dots, dashes and underscores; no folder.",
        violations: [.init(field: "name", description: "is no plain file name")])
    }
    return "\(path)/\(name)"
  }

  private static func exists(_ path: String) -> Fault {
    Fault(
      .alreadyExists, reason: "BACKUP_EXISTS", "There is a file of this name already.",
      hint: "Choose another name; nothing is overwritten.", facts: ["path": path])
  }
}
