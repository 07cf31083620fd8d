import TestSupport
import Testing

/// What the runtime's pool does in a process without a free descriptor.
@Suite struct FullTableTests {
  @Test func `tasks run on a pool that was opened while descriptors were left`() async throws {
    let output = try await run(pool: "open")
    #expect(output.lines == [#"{"full":true,"tasks":50}"#], "\(output.lastWords)")
    #expect(output.isSuccess)
  }

  /// The reason for the test above: should this fail, services need open no pool any more.
  @Test func `a pool that was never used ends the process`() async throws {
    let output = try await run(pool: "unused")
    #expect(!output.isSuccess)
    #expect(output.lines.isEmpty)
  }

  private func run(pool: String) async throws -> ChildTool.Output {
    try await ChildTool.run(
      try BuildPlace.executable("InteropPeer"), ["full-table", "--pool", pool],
      environment: ["SWIFT_BACKTRACE": "enable=no"])
  }
}
