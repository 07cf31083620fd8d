import JSON
import TestSupport
import Testing

/// Attacks on our server in raw frames, while a good client goes on calling beside them.
@Suite(.serialized, .timeLimit(.minutes(4))) struct HostileClientTests {
  /// Attacks that a limit stops, and what the server's log calls it.
  private static let limits = [
    ("header_bomb", "header_list"), ("message_over_cap", "request_bytes"),
    ("gzip_bomb", "request_bytes"), ("amplifying_message", "WireLimits.arenaBytesMax"),
    ("rapid_reset", "resets"), ("ping_flood_unread", "Flooding"),
    ("continuation_flood", "CONTINUATION"),
  ]

  @Test(arguments: ["frames", "requests", "floods", "slow", "mutations"])
  func `our server outlives an attack of every kind, and others notice nothing`(
    _ group: String
  ) async throws {
    try await ScratchFolder.with { folder in
      try await InteropPlace.withOurServer(at: Transport.unix.address(in: folder)) {
        server, address in
        let results = try await InteropPlace.pythonClient(
          "hostile_client",
          [
            "--server", address, "--pid", "\(server.pid)", "--group", group,
            "--patience", "0.5", "--flood-seconds", "0.5", "--seed", "1",
          ], within: .seconds(120), naming: "attack")
        for name in results.byName.keys.sorted() {
          let isOK = results.isOK(name)
          #expect(isOK, "\(results.complaint(name))")
        }
        let isSuccess = results.output.isSuccess
        #expect(isSuccess)
        show(results, group)
        #expect(server.isRunning, "\(server.output.lastWords)")
        let log = server.output.errorLines
        for (attack, limit) in Self.limits where results[attack] != nil {
          #expect(log.contains { $0.contains(limit) }, "\(attack) is not logged as \(limit)")
        }
        // And it serves as if nothing had been.
        let after = try await InteropPlace.ourClient(
          "client", ["--case", "all"], to: address, within: .seconds(30))
        #expect(after.output.isSuccess, "\(after.output.lastWords)")
      }
    }
  }

  private func show(_ results: CaseResults, _ group: String) {
    var outcomes: [String: Int] = [:]
    var slowest = 0.0
    for result in results.byName.values {
      outcomes[result["outcome"]?.stringValue ?? "none", default: 0] += 1
      slowest = max(slowest, result["others"]?["slowest_ms"]?.doubleValue ?? 0)
    }
    let grown = results.byName.values.compactMap { $0["grown_kib"]?.intValue }.max() ?? 0
    var table = CaseTable(["outcome", "attacks"])
    for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) {
      table.add([outcome, "\(count)"])
    }
    table.show(
      "Attacks, \(group): \(results.byName.count); memory grew by at most \(grown) KiB, "
        + "others waited at most \(slowest) ms")
  }
}
