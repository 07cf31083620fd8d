import Console
import EventLoop
import Faults
import JSON
import Machine
import MeshContract
import Supervisor
import ToolContext

/// `assay logs`: what replicas have printed, and print.
enum LogsCommand {
  static let command = Command(
    "logs", "show what services print", operands: .services,
    flags: Flag.mesh + [
      Flag("follow", short: "f", "go on until interrupted"),
      Flag("tail", short: "n", value: "LINES", "so many lines of each replica; 100 unless given"),
    ],
    details: "Reads the log of each replica; those of a mesh that has ended are gone with it.",
    examples: ["assay logs -f", "assay logs gateway -n 20"]
  ) { context in
    let run = try context.runDirectory()
    let count = try lineCount(context.invocation)
    var files: [String: LogFollower] = [:]
    refresh(&files, run, context)
    guard !files.isEmpty else { throw nothing(run, context) }
    for (_, follower) in files.sorted(by: { $0.key < $1.key }) {
      for line in follower.lastLines(count) { show(follower.instance, line, context.terminal) }
    }
    guard context.invocation.has("follow") else { return .success }
    while Files.facts(of: run.logs) != nil, !context.terminal.isClosed {
      refresh(&files, run, context)
      for (_, follower) in files.sorted(by: { $0.key < $1.key }) {
        for line in follower.newLines() { show(follower.instance, line, context.terminal) }
      }
      try await context.loop.sleep(for: pause)
    }
    return .success
  }

  private static let pause = Duration.milliseconds(100)
  private static let linesDefault = 100
  private static let linesMax = 100_000

  private static func lineCount(_ invocation: Invocation) throws(UsageError) -> Int {
    guard let text = invocation.value("tail") else { return linesDefault }
    guard let count = Int(text), (0...linesMax).contains(count) else {
      throw UsageError("--tail takes a number from 0 to \(linesMax)", verb: "logs")
    }
    return count
  }

  /// Finds the logs of the replicas that are wanted, new ones too.
  private static func refresh(
    _ files: inout [String: LogFollower], _ run: RunDirectory, _ context: CommandContext
  ) {
    for name in Files.entries(of: run.logs) where name.hasSuffix(".log") {
      let instance = String(name.dropLast(".log".count))
      guard files[instance] == nil, isWanted(instance, context.operands) else { continue }
      files[instance] = LogFollower(instance: instance, path: "\(run.logs)/\(name)")
    }
  }

  /// Without names, every service; the supervisor's own log only when it is named.
  private static func isWanted(_ instance: String, _ wanted: [String]) -> Bool {
    if wanted.isEmpty { return instance != "supervisor" }
    let service = instance.split(separator: "-").dropLast().joined(separator: "-")
    return wanted.contains(instance) || (!service.isEmpty && wanted.contains(service))
  }

  private static func nothing(_ run: RunDirectory, _ context: CommandContext) -> Fault {
    guard Files.facts(of: run.logs) != nil else { return RunningMesh.notRunning(run) }
    let known = Files.entries(of: run.logs).filter { $0.hasSuffix(".log") }
    let services = Set(
      known.map { $0.split(separator: "-").dropLast().joined(separator: "-") }
    ).subtracting([""])
    return SupervisorPlan.unknownService(
      context.operands.first ?? "", among: services.sorted())
  }

  /// One line of a replica.
  static func show(_ instance: String, _ line: String, _ terminal: Terminal) {
    if terminal.isJSON {
      terminal.line(["instance": .string(instance), "line": .string(line)])
    } else {
      terminal.line("\(terminal.painted("\(instance) |", .cyan)) \(Terminal.harmless(line))")
    }
  }
}

/// The lines of a file that grows, and begins anew when it has become too long.
final class LogFollower {
  let instance: String
  private let path: String
  private var offset = 0
  /// Bytes behind the last end of a line.
  private var rest: [UInt8] = []
  private static let chunkBytes = 256 << 10
  /// How far back the first lines are looked for.
  private static let tailBytes = 4 << 20

  init(instance: String, path: String) {
    self.instance = instance
    self.path = path
  }

  /// The last lines that are there now; `newLines` goes on behind them.
  func lastLines(_ count: Int) -> [String] {
    let size = Files.facts(of: path)?.byteCount ?? 0
    offset = max(0, size - Self.tailBytes)
    let lines = newLines()
    return Array((offset > size || lines.count > count ? lines.suffix(count) : lines[...]))
  }

  /// The lines that have come since.
  func newLines() -> [String] {
    guard let size = Files.facts(of: path)?.byteCount, let file = try? OpenFile(path, for: .read)
    else { return [] }
    if size < offset {
      offset = 0
      rest = []
    }
    var lines: [String] = []
    while let bytes = try? file.read(Self.chunkBytes, at: offset), !bytes.isEmpty {
      offset += bytes.count
      rest += bytes
      var start = 0
      while let end = rest[start...].firstIndex(of: 0x0A) {
        lines.append(String(decoding: rest[start..<end], as: UTF8.self))
        start = end + 1
      }
      rest.removeFirst(start)
    }
    return lines
  }
}
