import EventLoop
import Glibc
import JSON
import Locking
import MeshAddressing
import RPC
import Testing

/// A mesh of its own, started by the real `assay` in a folder of its own, and a loop to call it.
final class LoadMesh: Sendable {
  let loop: EventLoop
  let directory: String
  private let binaries: String
  private let root: String

  private init(loop: EventLoop, directory: String, binaries: String, root: String) {
    self.loop = loop
    self.directory = directory
    self.binaries = binaries
    self.root = root
  }

  /// Starts, runs `body`, and leaves nothing behind whatever `body` does.
  static func with(
    scale: [String: Int] = [:], _ body: (LoadMesh) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "mesh-test")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
      .joined(separator: "/")
    let mesh = LoadMesh(
      loop: loop, directory: "/tmp/assay-t\(getpid())-\(UInt16.random(in: .min ... .max))",
      binaries: try binaries(), root: root)
    do {
      let scales = scale.flatMap { ["--scale", "\($0.key)=\($0.value)"] }
      try await mesh.assay(["up", "--detach"] + scales)
      try await body(mesh)
    } catch {
      _ = try? await mesh.assay(["down", "--volumes"])
      throw error
    }
    try await mesh.assay(["down", "--volumes"])
    #expect(DirectoryWatch.entries(of: mesh.directory).isEmpty)
  }

  /// Beside the test bundle, wherever it was built.
  private static func binaries() throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    for argument in [path] + CommandLine.arguments {
      var folder = argument
      while let slash = folder.lastIndex(of: "/") {
        folder = String(folder[..<slash])
        if unsafe access("\(folder)/assay-store", X_OK) == 0 { return folder }
      }
    }
    throw Missing()
  }

  /// The executables of the mesh are not beside the tests: build them first.
  struct Missing: Error {}

  /// Runs one `assay` command to its end; a failure carries what it printed.
  @discardableResult
  func assay(_ arguments: [String]) async throws -> String {
    let lines = Lines()
    var launch = ChildLaunch(
      "\(binaries)/assay", arguments + ["--file", "\(root)/compose.yaml"],
      environment: [
        "PATH": "/usr/bin:/bin", "HOME": "/tmp", "ASSAY_RUN_DIR": directory, "NO_COLOR": "1",
        "ASSAY_DATA_DIR": "\(directory)-data",
      ])
    launch.output = .lines { lines.append($0) }
    launch.errorOutput = .lines { lines.append($0) }
    let box = LaunchBox(launch)
    let loop = loop
    let code: Int32 = try await withCheckedThrowingContinuation { continuation in
      loop.execute {
        do {
          _ = try ChildProcess(box.launch, on: loop) { exit in
            continuation.resume(returning: exit.status)
          }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
    try #require(code == 0, "assay \(arguments.joined(separator: " ")): \(lines.text)")
    return lines.text
  }

  /// The replicas of a service as `assay ps --json` has them.
  func replicas(of service: String) async throws -> [(pid: Int32, socket: String)] {
    var found: [(pid: Int32, socket: String)] = []
    for line in try await assay(["ps", "--json"]).split(separator: "\n") {
      guard let value = try? JSONValue(parsing: String(line)),
        value["service"]?.stringValue == service, value["state"]?.stringValue == "ready",
        let pid = value["pid"]?.intValue, let socket = value["socket"]?.stringValue
      else { continue }
      found.append((Int32(pid), socket))
    }
    return found
  }

  /// A channel to all replicas of a service, as its callers in the mesh have one.
  func channel(to service: String) async throws -> Channel {
    let socket = try #require(try await replicas(of: service).first).socket
    let path = socket.dropFirst("unix:".count)
    let folder = path[..<(try #require(path.lastIndex(of: "/")))]
    return Channel(to: .unixDirectory(path: String(folder)), on: loop)
  }

  /// What a child printed, from the loop's thread to the test's.
  private final class Lines: Sendable {
    private let all = Lock<[String]>([])
    func append(_ line: String) { all.withLock { $0.append(line) } }
    var text: String { all.withLock { $0.joined(separator: "\n") } }
  }

  /// `@unchecked Sendable`: a launch description on its way to the loop, used there once.
  private final class LaunchBox: @unchecked Sendable {
    let launch: ChildLaunch
    init(_ launch: ChildLaunch) { self.launch = launch }
  }
}
