import TestSupport
import Testing

/// gRPC's interop cases between this house and grpcio, both ways and over both transports.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CoreCaseTests {
  /// As gRPC's interop-test-descriptions.md names them; those that need credentials are not ours.
  static let cases = [
    "empty_unary", "large_unary", "client_compressed_unary", "server_compressed_unary",
    "client_streaming", "client_compressed_streaming", "server_streaming",
    "server_compressed_streaming", "ping_pong", "empty_stream", "custom_metadata",
    "status_code_and_message", "special_status_message", "unimplemented_method",
    "unimplemented_service", "cancel_after_begin", "cancel_after_first_response",
    "timeout_on_sleeping_server",
  ]

  @Test func `18 core cases pass both ways over Unix sockets and TCP`() async throws {
    var columns: [(title: String, results: CaseResults)] = []
    for transport in Transport.allCases {
      columns.append(("grpcio client, our server, \(transport)", try await theirClient(transport)))
      columns.append(("our client, grpcio server, \(transport)", try await ourClient(transport)))
    }
    var table = CaseTable(["case"] + columns.map(\.title))
    for name in Self.cases {
      table.add([name] + columns.map { CaseTable.cell($0.results, name) })
      for (title, results) in columns {
        let isOK = results.isOK(name)
        #expect(isOK, "\(title): \(results.complaint(name))")
      }
    }
    table.show("Core interop cases")
    #expect(Self.cases.count == 18)
    for (title, results) in columns {
      let isSuccess = results.output.isSuccess
      #expect(isSuccess, "\(title): \(results.output.lastWords)")
    }
  }

  private func theirClient(_ transport: Transport) async throws -> CaseResults {
    try await ScratchFolder.with { folder in
      try await InteropPlace.withOurServer(at: transport.address(in: folder)) { _, address in
        try await InteropPlace.pythonClient(
          "interop_client", ["--server", address, "--case", "all"], within: .seconds(60))
      }
    }
  }

  private func ourClient(_ transport: Transport) async throws -> CaseResults {
    try await ScratchFolder.with { folder in
      let place = transport.address(in: folder)
      return try await InteropPlace.withPythonServer("interop_server", at: place) { _, address in
        try await InteropPlace.ourClient(
          "client", ["--case", "all"], to: address, within: .seconds(60))
      }
    }
  }
}
