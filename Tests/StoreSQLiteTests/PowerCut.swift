import Faults
import Machine
import StoreBackend
import StoreContract
import StoreSQLite
import TestSupport

/// The files of a store as a power cut leaves them: what was synced, any part of the log behind
/// that, and the journal's finished writes.
struct PowerCut {
  let path: String
  /// Bytes of the log that were synced.
  var syncedBytes = 0

  private static let ends = ["", "-wal", "-orders"]

  init(_ path: String) throws {
    self.path = path
    try synced()
  }

  /// All that is in the files now is on the disk.
  mutating func synced() throws {
    syncedBytes = Files.facts(of: path + "-wal")?.byteCount ?? 0
  }

  /// The files as they are, each whole; nil for one that is not there.
  func image() throws -> [[UInt8]?] {
    try Self.ends.map { end in
      guard Files.facts(of: path + end) != nil else { return nil }
      return try Files.read(path + end, bytesMax: 1 << 26)
    }
  }

  /// The log with its end lost, and blocks before that.
  func cut(_ image: [[UInt8]?], _ random: inout SeededRandom) -> [[UInt8]?] {
    var image = image
    guard var log = image[1], log.count > syncedBytes else { return image }
    log.removeLast(Int.random(in: 0...log.count - syncedBytes, using: &random))
    let first = (syncedBytes + 4_095) / 4_096 * 4_096
    for start in stride(from: first, to: log.count - 4_096, by: 4_096)
    where Int.random(in: 0..<10, using: &random) == 0 {
      log.replaceSubrange(start..<start + 4_096, with: [UInt8](repeating: 0, count: 4_096))
    }
    image[1] = log
    return image
  }

  /// Puts the files where a new process finds them.
  static func lay(_ image: [[UInt8]?], at path: String) throws {
    for end in ends + ["-shm"] { try Files.remove(path + end) }
    for (end, bytes) in zip(ends, image) {
      guard let bytes else { continue }
      try OpenFile(path + end, for: .replace).write(bytes)
    }
  }
}

/// All that a product's questions answer about its runs.
struct StoreAnswers: Equatable {
  private var texts: [String] = []

  init(of reader: any StoreReading, _ leases: [StoredLease], _ product: ProductScope) {
    texts.append("\(leases)")
    for id in ["run0", "run1", "run2", "run"] {
      texts.append("\(Result { try reader.run(id, of: product) }.map { "\($0)" }.said)")
      texts.append(
        Result { try reader.events(of: id, after: 0, countMax: 10_000, of: product) }
          .map { "\($0)" }.said)
      texts.append(
        Result {
          try reader.units(.init(runId: id, afterOrdinal: -1, limit: 1_000), of: product)
        }.map { "\($0)" }.said)
    }
    texts.append(
      Result { try reader.query(.init(order: .oldest), of: product) }.map { "\($0)" }.said)
    texts.append(Result { try reader.labels(.init(), of: product) }.map { "\($0)" }.said)
    texts.append(Result { try reader.rubric("rubric0", of: product) }.map { "\($0)" }.said)
  }
}

extension Result<String, any Error> {
  fileprivate var said: String {
    switch self {
    case .success(let text): text
    case .failure(let error): "\((error as? Fault)?.reason ?? "\(error)")"
    }
  }
}
