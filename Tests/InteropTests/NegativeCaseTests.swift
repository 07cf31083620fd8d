import JSON
import TestSupport
import Testing

/// What our client makes of servers that misbehave in raw frames, and what those saw of it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct NegativeCaseTests {
  /// How the last call of a case has to end.
  private struct Case {
    let name: String
    let ending: String
    init(_ name: String, _ ending: String) { (self.name, self.ending) = (name, ending) }
  }

  /// gRPC's own.
  private static let negative = [
    Case("goaway", "OK"), Case("rst_after_header", "INTERNAL"),
    Case("rst_during_data", "INTERNAL"), Case("rst_after_data", "INTERNAL"), Case("ping", "OK"),
    Case("max_streams", "OK"), Case("data_frame_padding", "OK"),
    Case("no_df_padding_sanity_test", "OK"),
  ]

  private static let further = [
    Case("refused_stream", "OK"), Case("goaway_unprocessed", "OK"),
    Case("backoff", "UNAVAILABLE"),
    // grpcio waits until its deadline; our channel's patience is shorter, and nothing was sent.
    Case("silence", "UNAVAILABLE"),
    Case("garbage", "UNAVAILABLE"), Case("trailers_only", "FAILED_PRECONDITION"),
    Case("no_status", "UNKNOWN"), Case("odd_status", "UNKNOWN"),
    // From here on gRPC settles no code for some: a server's broken answer is INTERNAL.
    Case("no_message", "INTERNAL"), Case("two_messages", "INTERNAL"),
    Case("cut_message", "INTERNAL"), Case("ends_without_trailers", "UNKNOWN"),
    Case("overlong_message", "RESOURCE_EXHAUSTED"), Case("bad_protobuf", "INTERNAL"),
    Case("compressed_without_encoding", "INTERNAL"), Case("gzip_bomb", "RESOURCE_EXHAUSTED"),
    Case("unknown_encoding", "INTERNAL"), Case("http_503", "UNAVAILABLE"),
    Case("http_404", "UNIMPLEMENTED"), Case("header_bomb", "RESOURCE_EXHAUSTED"),
    // The connection is given up, and with it the call.
    Case("continuation_flood", "UNAVAILABLE"), Case("ping_flood", "UNAVAILABLE"),
    Case("window_overflow", "UNAVAILABLE"), Case("push", "UNAVAILABLE"),
  ]

  @Test func `gRPC's 8 negative cases end as they must, and so say the servers`() async throws {
    var table = CaseTable(["case", "ended", "the server saw"])
    for each in Self.negative {
      let (ended, report) = try await run(each)
      table.add([each.name, ended["ended"]?.stringValue ?? "", seen(report)])
      let connections = report["connections"]?.arrayValue ?? []
      #expect(report["ok"]?.boolValue == true, "\(each.name): \(report.text())")
      for connection in connections {
        #expect(connection["pings_outstanding"]?.intValue == 0, "\(each.name)")
      }
      let calls = connections.map { $0["calls"]?.intValue }
      switch each.name {
      case "goaway":
        #expect(calls == [1, 1], "the second call needs a connection of its own")
      case "max_streams":
        #expect(calls == [11])
        #expect(connections.map { $0["streams_max"]?.intValue } == [1])
      case "ping":
        #expect(connections.map { $0["pings_sent"]?.intValue } == [11])
      default:
        #expect(calls == [1], "\(each.name)")
      }
    }
    table.show("Negative HTTP/2 cases")
    #expect(Self.negative.count == 8)
  }

  @Test func `24 further ways to misbehave end in the right status`() async throws {
    var table = CaseTable(["case", "ended", "details"])
    for each in Self.further {
      let (ended, report) = try await run(each)
      let details = ended["details"]?.stringValue ?? ""
      table.add([each.name, ended["ended"]?.stringValue ?? "", String(details.prefix(70))])
      #expect(report["ok"]?.boolValue == true, "\(each.name): \(report.text())")
    }
    table.show("Further servers that misbehave")
  }

  /// How the call ended, and what the server reports; expects the ending of the case.
  private func run(_ each: Case) async throws -> (ended: JSONValue, report: JSONValue) {
    try await ScratchFolder.with { folder in
      let place = Transport.unix.address(in: folder)
      return try await InteropPlace.withPythonServer(
        "negative_server", ["--case", each.name], at: place
      ) { server, address in
        let results = try await InteropPlace.ourClient(
          "negative", ["--case", each.name], to: address, within: .seconds(30))
        let ended = try #require(results[each.name])
        #expect(
          ended["ended"]?.stringValue == each.ending, "\(each.name): \(ended.text())")
        server.closeInput()
        let lines = try await server.ended().lines
        let report = try #require(
          lines.last.flatMap(CaseResults.object), "\(each.name): no report")
        return (ended, report)
      }
    }
  }

  private func seen(_ report: JSONValue) -> String {
    let connections = report["connections"]?.arrayValue ?? []
    return connections.map { connection in
      let names = ["calls", "streams_max", "pings_sent", "pings_outstanding"]
      return names.map { "\($0) \(connection[$0]?.intValue ?? -1)" }.joined(separator: ", ")
    }.joined(separator: "; ")
  }
}
