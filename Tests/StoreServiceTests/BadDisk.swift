import EventLoop
import Faults
import Machine
import MeshAddressing
import RPC
import StoreContract
import TestSupport
import Testing

/// A store's folder on a disk that is full, or that fails, when a test says so; and a client that
/// outlives the store's processes. See Tests/Support/baddisk.
struct BadDisk {
  let folder: String
  let client: StoreClient
  let loop: EventLoop
  private let library: String

  static func with(_ body: (BadDisk) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      let library = scratch.file("baddisk.so")
      let source = "\(BuildPlace.top)/Tests/Support/baddisk/baddisk.c"
      let made = try await ChildTool.run(
        "/usr/bin/cc", ["-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"])
      try #require(made.isSuccess, "\(made.lastWords)")
      let loop = try EventLoop(name: "client")
      try loop.start()
      defer {
        loop.stop()
        loop.join()
      }
      let client = StoreClient(Channel(to: .unix(path: scratch.file("s.sock")), on: loop))
      try await body(
        BadDisk(folder: scratch.path, client: client, loop: loop, library: library))
    }
  }

  private var control: String { "\(folder)/control" }

  /// What is wrong from now on; nil: nothing any more.
  func say(_ word: String?) throws {
    guard let word else { return try Files.remove(control) }
    try Files.replace(control, with: word)
  }

  /// Whether anything has failed for it.
  var hasHit: Bool { Files.facts(of: "\(control).hit") != nil }

  /// The store on this disk, from when it is ready, or else from its start.
  func store<R>(
    isReady: Bool = true, _ more: [String: String] = [:], _ body: (ChildTool) async throws -> R
  ) async throws -> R {
    let environment = [
      "ASSAY_MESH_LISTEN": "unix:\(folder)/s.sock", "ASSAY_STORE_PATH": folder,
      "ASSAY_LOG_FORMAT": "json", "SWIFT_BACKTRACE": "enable=no", "LD_PRELOAD": library,
      "BADDISK_CONTROL": control, "BADDISK_FOLDER": folder,
    ].merging(more) { _, ours in ours }
    let program = try BuildPlace.executable("assay-store")
    return try await ChildTool.with(program, [], environment: environment) { tool in
      if isReady { _ = try await tool.errorLine { $0.contains("\"ready\"") } }
      return try await body(tool)
    }
  }
}
