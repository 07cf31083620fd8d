import JSON
import Machine
import Supervisor
import Testing

/// The short form of `assay prove`, of power cuts and of the crash sweep; the long ones are
/// `make prove` and `make crash-test`.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ProveMeshTests {
  @Test func `what is killed at random loses, doubles and pays nothing twice`() async throws {
    try await RealTool.with { tool in
      let proof = await tool.assay("prove", "--kills", "60", "--json", timeout: .seconds(200))
      let report = try JSONValue(parsing: proof.output.joined())
      #expect(proof.isSuccess, "\(report.text()) \(proof.errors)")
      #expect(report["lost"] == 0 && report["doubled"] == 0 && report["differing"] == 0)
      #expect(report["paid_twice"] == 0 && report["broken_logs"] == 0)
    }
  }

  @Test func `a kill that is a power cut loses nothing that was answered`() async throws {
    try await RealTool.with { tool in
      let library = try await disk("powercut", tool)
      let proof = await tool.assay(
        "prove", "--kills", "40", "--preload", library, "--json", timeout: .seconds(200))
      #expect(proof.isSuccess, "\(proof.output) \(proof.errors)")
    }
  }

  @Test func `runs wait while the disk is full, and go on when it has room`() async throws {
    try await RealTool.with { tool in
      let library = try await disk("baddisk", tool)
      let proof = await tool.assay(
        words: ["prove", "--kills", "30", "--preload", library, "--json"],
        environment: ["BADDISK_FULL_MS": "300", "BADDISK_CONTROL": "\(tool.top)/control"],
        timeout: .seconds(200))
      let report = try JSONValue(parsing: proof.output.joined())
      #expect(proof.isSuccess, "\(report.text()) \(proof.errors)")
      #expect(report["lost"] == 0 && report["doubled"] == 0 && report["paid_twice"] == 0)
      #expect(Files.facts(of: "\(tool.top)/control.hit") != nil)
    }
  }

  /// A disk with a fault of its own, compiled: see Tests/Support.
  private func disk(_ name: String, _ tool: RealTool) async throws -> String {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let source = root.joined(separator: "/") + "/Tests/Support/\(name)/\(name).c"
    let library = "\(tool.top)/\(name).so"
    let made = await tool.run([
      "/usr/bin/cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread",
    ])
    try #require(made.isSuccess, "\(made)")
    return library
  }

  @Test(arguments: ["SYNC", "WAIT"])
  func `a sync that does nothing is found out, and a write that nobody waits for`(
    _ forgotten: String
  ) async throws {
    try await RealTool.with { tool in
      let library = try await disk("powercut", tool)
      let proof = await tool.assay(
        words: ["prove", "--kills", "40", "--preload", library, "--json"],
        environment: ["POWERCUT_FORGET_\(forgotten)": "1"], timeout: .seconds(200))
      #expect(proof.ending == .exited(status: 1), "\(proof.output) \(proof.errors)")
    }
  }

  @Test func `a crash where something was just made durable is survived`() async throws {
    try await RealTool.with { tool in
      let places = ["store.group.after-commit:3", "orchestrator.commit.answered:2"]
      let sweep = await tool.assay(
        words: ["prove", "--seed", "5", "--json"] + places.flatMap { ["--failpoint", $0] },
        timeout: .seconds(200))
      #expect(sweep.isSuccess, "\(sweep.output) \(sweep.errors)")
      #expect(sweep.output.count == 2)
      for line in sweep.output {
        let place = try JSONValue(parsing: line)
        #expect(place["reached"] == true, "\(line)")
      }
    }
  }
}
