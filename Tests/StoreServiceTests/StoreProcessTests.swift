import EventLoop
import Faults
import Glibc
import MeshAddressing
import RPC
import ScoreContract
import StoreContract
import TestSupport
import Testing

/// The executable itself, started, killed and started again.
@Suite(.timeLimit(.minutes(2))) struct StoreProcessTests {
  private func environment(_ folder: String) -> [String: String] {
    [
      "ASSAY_MESH_LISTEN": "unix:\(folder)/s.sock", "ASSAY_STORE_PATH": folder,
      "ASSAY_LOG_FORMAT": "json", "SWIFT_BACKTRACE": "enable=no",
    ]
  }

  private func withClient<R>(
    _ folder: String, _ body: (StoreClient, EventLoop) async throws -> R
  ) async throws -> R {
    let loop = try EventLoop(name: "client")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    return try await body(
      StoreClient(Channel(to: .unix(path: "\(folder)/s.sock"), on: loop)), loop)
  }

  private func ready(_ tool: ChildTool, _ loop: EventLoop) async throws {
    try await eventually("\(tool.name) is ready", on: loop) {
      try #require(tool.isRunning, "\(tool.output.lastWords)")
      return tool.output.errorLines.contains { $0.contains("\"ready\"") }
    }
  }

  @Test func `a store that is killed keeps all it acknowledged, and its sessions go on`()
    async throws
  {
    try await ScratchFolder.with { scratch in
      let program = try BuildPlace.executable("assay-store")
      try await withClient(scratch.path) { client, loop in
        var session = ""
        var acknowledged: [CommitRequest] = []
        for round in 0..<4 {
          try await ChildTool.with(program, [], environment: environment(scratch.path)) { tool in
            try await ready(tool, loop)
            let replica = try await Replica(client, ttl: .seconds(60), session: session)
            #expect(replica.isContinued == (round > 0))
            session = replica.session
            if round == 0 { _ = try await client.runAtWork(by: replica) }
            let lease = try await replica.acquire("r1")
            for commit in acknowledged { #expect(try await client.commit(commit).isReplay) }
            for index in 0..<20 {
              let commit = Facts.commit("c\(round)-\(index)", [Facts.note("n")], under: lease)
              // The last of them is under way when the end comes.
              if index == 19 { kill(tool.pid, SIGKILL) }
              guard await fault({ _ = try await client.commit(commit) }) == nil else { break }
              acknowledged.append(commit)
            }
            _ = try await tool.ended()
          }
        }
        #expect(acknowledged.count >= 4 * 19)
      }
    }
  }

  @Test func `a store ends on SIGTERM with its log moved into the file`() async throws {
    try await ScratchFolder.with { scratch in
      let program = try BuildPlace.executable("assay-store")
      try await withClient(scratch.path) { client, loop in
        try await ChildTool.with(program, [], environment: environment(scratch.path)) { tool in
          try await ready(tool, loop)
          let replica = try await Replica(client)
          _ = try await client.runAtWork(by: replica)
          let output = try await tool.end()
          #expect(output.isSuccess, "\(output.lastWords)")
        }
        var facts = stat()
        let isThere = unsafe stat("\(scratch.path)/store.db-wal", &facts) == 0
        #expect(!isThere || facts.st_size == 0)
      }
    }
  }

  @Test func `a second store of the same folder says who has it, and ends`() async throws {
    try await ScratchFolder.with { scratch in
      let program = try BuildPlace.executable("assay-store")
      try await withClient(scratch.path) { _, loop in
        try await ChildTool.with(program, [], environment: environment(scratch.path)) { tool in
          try await ready(tool, loop)
          let second = try await ChildTool.run(
            program, ["--mesh.listen=unix:\(scratch.path)/t.sock"],
            environment: environment(scratch.path))
          #expect(!second.isSuccess)
          #expect(second.errorLines.contains { $0.contains("STORE_IN_USE") })
        }
      }
    }
  }
}
