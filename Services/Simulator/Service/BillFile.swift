import EventLoop
import Machine
import SimulatorModel

/// The bill as a file of JSON lines. Lines that come while the disk is busy share its next turn.
final class BillFile: Sendable {
  /// A line on its way to the disk, by its number.
  private struct Line: Sendable {
    let number: Int
    let bytes: [UInt8]
    let isDone: @Sendable (Int) -> Void
  }

  let path: String?
  private let isSynced: Bool
  private let writer: OwnerThreads<Line>
  private let file: SharedFile?
  private let pool = BlockingPool(name: "bill-reader", threadsMax: 1)

  /// What several owners hold of one open file, which closes with the last of them.
  private final class SharedFile: Sendable {
    let file: OpenFile
    init(_ path: String) throws(MachineError) { file = try OpenFile(path, for: .append) }
  }

  static let linesMax = 1_000_000
  private static let groupMax = 4096
  private static let fileBytesMax = 1 << 30

  init(path: String?, isSynced: Bool, loop: EventLoop) async throws {
    self.path = path
    self.isSynced = isSynced
    writer = OwnerThreads(
      name: "bill", waitingMax: BillFile.linesMax, groupMax: BillFile.groupMax)
    guard let path else {
      file = nil
      return
    }
    // A line that a crash cut off gets its end, so that the next one is not glued to it.
    if Files.facts(of: path) != nil, let last = try Files.readEnd(of: path, count: 1).last,
      last != 0x0A
    {
      try OpenFile(path, for: .append).write("\n")
    }
    let shared = try SharedFile(path)
    file = shared
    guard isSynced else { return }
    try await writer.start(
      open: { shared },
      take: { owned, lines in
        var bytes: [UInt8] = []
        for line in lines { bytes += line.bytes }
        // A bill that cannot be written is no oracle: the calls of these lines never answer.
        guard (try? owned.file.write(bytes)) != nil, (try? owned.file.sync()) != nil,
          let last = lines.last
        else { return }
        last.isDone(last.number)
      })
  }

  /// Whether `append` has to wait for the disk.
  var waits: Bool { isSynced && path != nil }

  /// Takes a line where the bill `waits`: `isDone` is told the number of the last line that is on
  /// disk, from another thread. What cannot be kept is never done, and its call never answered.
  func append(_ bytes: [UInt8], number: Int, isDone: @escaping @Sendable (Int) -> Void) {
    _ = writer.submit(Line(number: number, bytes: bytes, isDone: isDone))
  }

  /// Hands lines to the kernel, where the bill does not wait.
  func write(_ bytes: [UInt8]) {
    guard let file else { return }
    _ = try? file.file.write(bytes)
  }

  /// All of the file, one line a call; read and put together on a thread of its own, so that
  /// calls go on meanwhile.
  func readMerged() async throws -> [UInt8] {
    guard let path else { return [] }
    return try await pool.run {
      BillLine.merged(try Files.read(path, bytesMax: BillFile.fileBytesMax))
    }
  }

  func close() async {
    if waits { await writer.end() }
  }
}
