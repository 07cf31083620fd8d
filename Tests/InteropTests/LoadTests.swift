import TestSupport
import Testing

/// Many calls on one channel, one after another and all at once; none may fail.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LoadTests {
  private static let soakCalls = 10_000
  /// Every so many calls of a soak is a large one; a debug build packs 25 bytes a microsecond.
  private static let largeEvery = 1
  private static let callsAtOnce = 1_000
  private static let limit = Duration.seconds(120)

  @Test func `10,000 calls of grpcio on one channel are all answered`() async throws {
    try await callOurServer([
      "--case", "rpc_soak=\(Self.soakCalls)", "--large-every", "\(Self.largeEvery)",
    ])
  }

  @Test func `1,000 large calls of grpcio at once are all answered`() async throws {
    try await callOurServer(["--case", "concurrent_large_unary=\(Self.callsAtOnce)"])
  }

  @Test func `10,000 calls of ours on one channel are all answered`() async throws {
    try await callTheirServer(
      "soak", ["--iterations", "\(Self.soakCalls)", "--large-every", "\(Self.largeEvery)"])
  }

  @Test func `1,000 large calls of ours at once are all answered`() async throws {
    try await callTheirServer("concurrent", ["--count", "\(Self.callsAtOnce)"])
  }

  private func callOurServer(_ arguments: [String]) async throws {
    try await ScratchFolder.with { folder in
      let place = Transport.unix.address(in: folder)
      try await InteropPlace.withOurServer(at: place) { server, address in
        let results = try await InteropPlace.pythonClient(
          "interop_client", ["--server", address] + arguments, within: Self.limit)
        check(results, "grpcio client, our server")
        #expect(server.isRunning)
        #expect(server.output.errorLines.filter { $0.hasPrefix("limit") }.isEmpty)
      }
    }
  }

  private func callTheirServer(_ verb: String, _ arguments: [String]) async throws {
    try await ScratchFolder.with { folder in
      let place = Transport.unix.address(in: folder)
      try await InteropPlace.withPythonServer("interop_server", at: place) { _, address in
        let results = try await InteropPlace.ourClient(
          verb, arguments, to: address, within: Self.limit)
        check(results, "our client, grpcio server")
      }
    }
  }

  private func check(_ results: CaseResults, _ title: String) {
    for name in results.byName.keys.sorted() {
      let isOK = results.isOK(name)
      #expect(isOK, "\(title): \(results.complaint(name))")
      CaseTable.say("\(title): \(name) \(CaseTable.cell(results, name))")
    }
    let isSuccess = results.output.isSuccess
    #expect(isSuccess)
  }
}
