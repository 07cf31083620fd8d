import TestSupport
import Testing

/// Many calls on one channel, one after another and all at once; none may fail.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LoadTests {
  private static let soakCalls = 10_000
  /// Every so many calls of a soak is a large one: 600 kB a call take 35 ms in a debug build.
  private static let largeEvery = 100
  private static let concurrentCalls = 1_000
  private static let limit = Duration.seconds(100)

  @Test func `10,000 calls and 1,000 large ones at once reach our server from grpcio`()
    async throws
  {
    try await ScratchFolder.with { folder in
      let place = Transport.unix.address(in: folder)
      try await InteropPlace.withOurServer(at: place) { server, address in
        let results = try await InteropPlace.pythonClient(
          "interop_client",
          [
            "--server", address, "--case", "rpc_soak=\(Self.soakCalls)",
            "--large-every", "\(Self.largeEvery)",
            "--case", "concurrent_large_unary=\(Self.concurrentCalls)",
          ], within: Self.limit)
        check([results], "grpcio client, our server")
        #expect(server.isRunning)
        #expect(server.output.errorLines.allSatisfy { $0.hasPrefix("peerLeft") })
      }
    }
  }

  @Test func `10,000 calls and 1,000 large ones at once reach grpcio from our client`()
    async throws
  {
    try await ScratchFolder.with { folder in
      let place = Transport.unix.address(in: folder)
      try await InteropPlace.withPythonServer("interop_server", at: place) { _, address in
        let soak = try await InteropPlace.ourClient(
          "soak",
          ["--iterations", "\(Self.soakCalls)", "--large-every", "\(Self.largeEvery)"],
          to: address, within: Self.limit)
        let atOnce = try await InteropPlace.ourClient(
          "concurrent", ["--count", "\(Self.concurrentCalls)"], to: address, within: Self.limit)
        check([soak, atOnce], "our client, grpcio server")
      }
    }
  }

  private func check(_ all: [CaseResults], _ title: String) {
    var table = CaseTable(["case", title])
    for name in ["rpc_soak", "concurrent_large_unary"] {
      let results = all.first { $0[name] != nil } ?? all[0]
      #expect(results.isOK(name), "\(title): \(results.complaint(name))")
      #expect(results.output.isSuccess)
      table.add([name, CaseTable.cell(results, name)])
    }
    table.show("Load")
  }
}
