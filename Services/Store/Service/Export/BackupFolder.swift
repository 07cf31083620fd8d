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
  private let openCopy: @Sendable (String) throws -> any StoreCopying
  private let isRunning = Atomic<Bool>(false)

  private static let nameBytesMax = 200

  init(path: String?, openCopy: @escaping @Sendable (String) throws -> any StoreCopying) {
    self.path = path
    self.openCopy = openCopy
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
    defer { isRunning.store(false, ordering: .releasing) }
    let thread = OwnerThreads<Step>(name: "store-backup", waitingMax: 2)
    let partial = "\(target).partial"
    let openCopy = openCopy
    try await thread.start(
      open: {
        try Files.remove(partial)
        return try openCopy(partial)
      },
      take: { copy, steps in
        for step in steps { step.take(copy) }
      })
    do {
      try await run(thread, partial, target, report)
      await thread.end()
    } catch {
      await thread.end()
      try? Files.remove(partial)
      throw error
    }
  }

  private struct Step: Sendable {
    let take: @Sendable (any StoreCopying) -> Void
  }

  private func run(
    _ thread: OwnerThreads<Step>, _ partial: String, _ target: String,
    _ report: (BackupProgress) async throws -> Void
  ) async throws {
    while true {
      try Task.checkCancellation()
      let progress = try await Self.perform(on: thread) { try $0.step() }
      guard progress.isWhole else {
        try await report(progress.message)
        continue
      }
      try await Self.perform(on: thread) { copy in
        try copy.finish()
        guard Files.facts(of: target) == nil else { throw Self.exists(target) }
        try Files.sync(partial)
        try Files.rename(partial, to: target)
        try Files.sync(Self.folder(of: target))
      }
      var last = progress.message
      last.path = target
      return try await report(last)
    }
  }

  private static func perform<R: Sendable>(
    on thread: OwnerThreads<Step>, _ body: @escaping @Sendable (any StoreCopying) throws -> R
  ) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      let step = Step { copy in continuation.resume(with: Result { try body(copy) }) }
      if !thread.submit(step) { continuation.resume(throwing: Fault.shuttingDown) }
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
    let target = "\(path)/\(name)"
    guard Files.facts(of: target) == nil else { throw Self.exists(target) }
    return target
  }

  private static func exists(_ path: String) -> Fault {
    Fault(
      .alreadyExists, reason: "BACKUP_EXISTS", "There is a file of this name already.",
      hint: "Choose another name; nothing is overwritten.", facts: ["path": path])
  }
}

extension CopyProgress {
  fileprivate var message: BackupProgress {
    BackupProgress(pagesDone: Int64(pagesDone), pagesTotal: Int64(pagesTotal))
  }
}
