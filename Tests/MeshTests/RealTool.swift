import EventLoop
import Glibc
import JSON
import Machine
import Supervisor
import Testing

/// The real `assay` in a directory of its own, with the mesh it starts.
final class RealTool: Sendable {
  let loop: EventLoop
  let top: String
  private let folder: String
  private let composePath: String

  private init(loop: EventLoop, top: String, folder: String, composePath: String) {
    self.loop = loop
    self.top = top
    self.folder = folder
    self.composePath = composePath
  }

  typealias Answer = ProgramRun.Outcome

  /// Gives `body` the tool, takes the mesh down, and looks that nothing is left.
  ///
  /// `compose` is the text of a compose file; the repository's own without it.
  static func with(
    compose: String? = nil, _ body: (RealTool) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "tool")
    try loop.start()
    let top = "/tmp/assay-m\(getpid() % 10_000)-\(UInt32.random(in: 0...0xFFFF))"
    try Files.makeDirectory(top)
    defer {
      loop.stop()
      loop.join()
      try? Files.removeTree(top)
    }
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    var path = root.joined(separator: "/") + "/compose.yaml"
    if let compose {
      path = "\(top)/compose.yaml"
      try Files.replace(path, with: compose)
    }
    let tool = RealTool(loop: loop, top: top, folder: try executables(), composePath: path)
    do {
      try await body(tool)
    } catch {
      _ = await tool.assay("down", "--volumes")
      throw error
    }
    let pids = try await tool.replicas().map(\.pid)
    let down = await tool.assay("down", "--volumes")
    #expect(down.isSuccess, "\(down)")
    for pid in pids { #expect(!Processes.isRunning(pid)) }
    #expect(Files.facts(of: "\(top)/r") == nil, "\(Files.entries(of: "\(top)/r"))")
  }

  /// Where the executables lie: beside the test bundle.
  private static func executables() throws -> String {
    for argument in [Processes.ownExecutable ?? ""] + CommandLine.arguments {
      var folder = argument
      while folder.contains("/"), folder != "/" {
        folder = Surroundings.folder(of: folder)
        if Files.isExecutable("\(folder)/assay") { return folder }
      }
    }
    throw Missing()
  }

  /// `assay` is not beside the tests: build it first.
  struct Missing: Error {}

  private static let verbsWithoutFile: Set<String> = ["version", "help", "completion", "prove"]

  var environment: [String: String] {
    [
      "PATH": "/usr/bin:/bin", "HOME": top, "ASSAY_RUN_DIR": "\(top)/r", "NO_COLOR": "1",
      "TMPDIR": top,
    ]
  }

  /// One command, to its end.
  func assay(_ words: String..., timeout: Duration = .seconds(60)) async -> Answer {
    await assay(words: words, timeout: timeout)
  }

  /// One command, to its end.
  func assay(
    words: [String], environment: [String: String] = [:], timeout: Duration = .seconds(60)
  ) async -> Answer {
    await ProgramRun(on: loop).run(
      command(words), environment: self.environment.merging(environment) { _, own in own },
      in: top, timeout: timeout)
  }

  /// Any other program, to its end.
  func run(_ words: [String]) async -> Answer {
    await ProgramRun(on: loop).run(
      words, environment: environment, in: top, timeout: .seconds(60))
  }

  /// The words that run one command.
  func command(_ words: [String]) -> [String] {
    let isFree = words.first.map(Self.verbsWithoutFile.contains) ?? true
    return ["\(folder)/assay"] + words + (isFree ? [] : ["--file", composePath])
  }

  struct Seen: Sendable {
    let service: String
    let instance: String
    let state: String
    let waitingFor: [String]
    let pid: Int32
    let socket: String
  }

  /// The replicas of the running mesh; none when none runs.
  func replicas() async throws -> [Seen] {
    try await assay("ps", "--json").output.map { line in
      let value = try JSONValue(parsing: line)
      return Seen(
        service: value["service"]?.stringValue ?? "",
        instance: value["instance"]?.stringValue ?? "", state: value["state"]?.stringValue ?? "",
        waitingFor: value["waiting_for"]?.arrayValue?.compactMap(\.stringValue) ?? [],
        pid: Int32(value["pid"]?.intValue ?? 0), socket: value["socket"]?.stringValue ?? "")
    }
  }

  /// Waits until the replicas satisfy the condition.
  @discardableResult
  func until(
    _ what: String, _ condition: ([Seen]) -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [Seen] {
    let deadline = ContinuousClock.now + .seconds(20)
    var last: [Seen] = []
    while ContinuousClock.now < deadline {
      last = try await replicas()
      if !last.isEmpty, condition(last) { return last }
      try await loop.sleep(for: .milliseconds(20))
    }
    Issue.record("never \(what): \(last)", sourceLocation: sourceLocation)
    throw Missing()
  }
}
