import EventLoop
import Glibc
import JSON
import Machine
import TestSupport
import Testing

/// The executable itself, asked by sockets and by the providers' own SDKs.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SimulatorProcessTests {
  private func with(
    durability: String = "fsync", _ body: (ChildTool, String, ScratchFolder) async throws -> Void
  ) async throws {
    try await ScratchFolder.with { folder in
      let environment = [
        "ASSAY_MESH_LISTEN": "unix:\(folder.file("m"))", "ASSAY_LOG_FORMAT": "json",
        "ASSAY_SIMULATOR_LISTEN": "tcp:127.0.0.1:0,unix:\(folder.file("h"))",
        "ASSAY_SIMULATOR_BILL": folder.file("bill"), "SWIFT_BACKTRACE": "enable=no",
        "ASSAY_SIMULATOR_DURABILITY": durability,
      ]
      let program = try BuildPlace.executable("assay-simulator")
      try await ChildTool.with(program, [], environment: environment) { tool in
        let line = try await tool.errorLine { $0.contains("\"tcp:127.0.0.1:") }
        let address = try JSONValue(parsing: line)["address"]?.stringValue ?? ""
        let port = String(address.split(separator: ":").last ?? "")
        _ = try await tool.errorLine { $0.contains("\"ready\"") }
        try await body(tool, port, folder)
      }
    }
  }

  /// Runs a script of Tests/Support/python, each of whose lines is a case.
  private func cases(_ script: String, _ arguments: [String], atLeast count: Int) async throws {
    let path = "\(BuildPlace.top)/Tests/Support/python/\(script).py"
    let output = try await ChildTool.run(
      try BuildPlace.python(), [path] + arguments, within: .seconds(120))
    #expect(output.isSuccess, "\(output.lastWords)")
    #expect(output.lines.count >= count)
    for line in output.lines {
      let value = try JSONValue(parsing: line)
      #expect(
        value["ok"] == true, "\(value["case"]?.text() ?? ""): \(value["detail"]?.text() ?? "")")
    }
  }

  @Test func `the providers' own SDKs find a provider`() async throws {
    try await with { _, port, _ in
      try await cases("simulator_sdk", ["http://127.0.0.1:\(port)"], atLeast: 21)
    }
  }

  @Test func `each fault is seen from a socket, and the next call is healthy`() async throws {
    try await with(durability: "none") { _, port, _ in
      try await cases("simulator_faults", ["127.0.0.1", port], atLeast: 94)
    }
  }

  @Test func `HTTP, caches, limits and bills keep their laws`() async throws {
    try await with { _, port, folder in
      try await cases("simulator_http", ["127.0.0.1", port, folder.file("h")], atLeast: 3)
      try await cases("simulator_laws", ["127.0.0.1", port], atLeast: 16)
    }
  }

  @Test func `what was answered is on the bill of a simulator that was killed`() async throws {
    try await with { tool, port, folder in
      let script = "\(BuildPlace.top)/Tests/Support/python/simulator_load.py"
      let load = try await ChildTool.with(
        try BuildPlace.python(), [script, "127.0.0.1", port]
      ) { client in
        // Some calls are answered, others under way.
        _ = try await client.line { $0 == "200" }
        kill(tool.pid, SIGKILL)
        return try await client.ended()
      }
      let answered = load.lines.filter { $0.hasPrefix("req_") }
      #expect(answered.count >= 200)
      let bill = try Files.read(folder.file("bill"), bytesMax: 1 << 26)
      let billed = Set(
        bill.split(separator: 0x0A).compactMap {
          (try? JSONValue(parsing: Array($0)))?["request_id"]?.stringValue
        })
      #expect(Set(answered).subtracting(billed) == [])
    }
  }
}
