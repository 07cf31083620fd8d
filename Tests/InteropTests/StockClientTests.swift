import JSON
import TestSupport
import Testing

/// grpcio's own health and reflection clients against a mesh as `assay up` starts it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct StockClientTests {
  private static let services = ["store", "gateway", "ingest", "orchestrator", "edge", "simulator"]

  @Test func `a stock client lists and checks every service of a running mesh`() async throws {
    try await ScratchFolder.with { folder in
      do {
        try await assay(["up", "--detach"], folder)
        let sockets = try await sockets(folder)
        #expect(sockets.keys.sorted() == Self.services.sorted())
        let results = try await InteropPlace.pythonClient(
          "stock_client", sockets.values.sorted(), within: .seconds(30), naming: "server")
        var table = CaseTable(["service", "listed", "health"])
        for (name, address) in sockets.sorted(by: { $0.key < $1.key }) {
          let result = try #require(results[address], "\(name) was not asked")
          check(result, name)
          let listed = result["services"]?.objectValue?.keys ?? []
          let health = result["health"]?.objectValue?.map { $0.value["check"]?.stringValue ?? "" }
          table.add([name, listed.joined(separator: " "), Set(health ?? []).joined(separator: " ")])
        }
        table.show("Stock clients of health and reflection")
        let isSuccess = results.output.isSuccess
        #expect(isSuccess, "\(results.output.lastWords)")
      } catch {
        _ = try? await assay(["down"], folder)
        throw error
      }
      try await assay(["down"], folder)
    }
  }

  private func check(_ result: JSONValue, _ name: String) {
    #expect(result["ok"]?.boolValue == true, "\(name): \(result.text())")
    #expect(result["reflection_v1"]?.boolValue == true, "\(name): v1 lists what v1alpha does not")
    #expect(result["unknown_symbol_refused"]?.boolValue == true, "\(name)")
    let listed = result["services"]?.objectValue?.keys ?? []
    for service in [
      "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection", "assay.admin.v1.Admin",
    ] {
      #expect(listed.contains(service), "\(name) does not list \(service)")
    }
    let health = result["health"]?.objectValue ?? [:]
    #expect(Set(health.keys) == Set(listed + [""]))
    for (service, answers) in health {
      for way in ["check", "watch"] {
        #expect(answers[way]?.stringValue == "SERVING", "\(name): \(way) of \(service)")
      }
    }
  }

  private func sockets(_ folder: ScratchFolder) async throws -> [String: String] {
    var found: [String: String] = [:]
    for line in try await assay(["ps", "--json"], folder).lines {
      guard let replica = CaseResults.object(line), let name = replica["service"]?.stringValue
      else { continue }
      #expect(replica["state"]?.stringValue == "ready", "\(line)")
      found[name] = replica["socket"]?.stringValue
    }
    return found
  }

  @discardableResult
  private func assay(
    _ arguments: [String], _ folder: ScratchFolder
  ) async throws -> ChildTool.Output {
    let output = try await ChildTool.run(
      try BuildPlace.executable("assay"),
      arguments + ["--file", "\(BuildPlace.top)/compose.yaml"],
      environment: [
        "PATH": "/usr/bin:/bin", "HOME": folder.path, "NO_COLOR": "1",
        "ASSAY_RUN_DIR": folder.file("r"), "ASSAY_DATA_DIR": folder.file("d"),
      ])
    try #require(output.isSuccess, "assay \(arguments.joined(separator: " ")): \(output.lastWords)")
    return output
  }
}
