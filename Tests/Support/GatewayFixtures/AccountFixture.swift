import EventLoop
import Faults
import GRPCFormat
package import GatewayAudit
package import GatewayContract
import HTTPClient
import JSON
import MeshAddressing
package import RPC
package import TestSupport

/// A gateway with its accounts, asked as the operator at the machine asks.
package struct AccountFixture: Sendable {
  package let gateway: GatewayFixture
  package let account: AccountClient
  package let calls: GatewayClient

  package static func with(
    budget: String = "total: 1000", limits: String = "", keys: String = "",
    models: String = "", _ body: (AccountFixture) async throws -> Void
  ) async throws {
    try await GatewayFixture.with(
      budget: budget, limits: limits, keys: keys, models: models
    ) { gateway in
      try await ask(gateway, body)
    }
  }

  package static func with(
    _ setup: GatewaySetup, _ body: (AccountFixture) async throws -> Void
  ) async throws {
    try await GatewayFixture.with(setup) { gateway in try await ask(gateway, body) }
  }

  private static func ask(
    _ gateway: GatewayFixture, _ body: (AccountFixture) async throws -> Void
  ) async throws {
    let channel = Channel(to: .unix(path: "\(gateway.folder)/gw.sock"), on: gateway.loop)
    try await body(
      AccountFixture(
        gateway: gateway, account: AccountClient(channel), calls: GatewayClient(channel)))
    await channel.shutDown()
  }

  /// Ends whatever gateway runs, and goes on with the next one over the same ledger and file.
  package func restarted(
    _ further: [String: String] = [:], _ body: (AccountFixture, ChildTool) async throws -> Void
  ) async throws {
    if gateway.gateway.isRunning { try await gateway.gateway.end() }
    try await ChildTool.with(
      try BuildPlace.executable("assay-gateway"), [],
      environment: GatewayFixture.environment(gateway.folder, "process").merging(further) { $1 }
    ) { tool in
      try await GatewayFixture.ready(tool, gateway.loop)
      try await Self.ask(gateway) { try await body($0, tool) }
      if tool.isRunning { try await tool.end() }
    }
  }

  /// The ledger added up from its file, beside whoever has it open.
  package func audit(_ bill: [BilledCall]? = nil) throws -> AuditReport {
    try LedgerAudit.run(folder: "\(gateway.folder)/ledger", bill: bill)
  }

  /// The lines of so many attempts, when they have come to the disk: an answer does not wait for
  /// it here.
  package func lines(_ count: Int) async throws -> [LedgerLine] {
    var found: [LedgerLine] = []
    try await eventually("\(count) lines are written", on: gateway.loop) {
      found = try await account.listLines(ListLinesRequest()).lines
      return found.count >= count
    }
    try required(found.count == count ? true : nil, "\(found.count) lines")
    return found
  }

  /// The reason of a refusal; nil when there is none.
  package func reason(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch {
      return Fault(describing: error).reason
    }
  }

  /// As a product of the mesh, which sees its own only.
  package static func product(_ name: String) -> CallOptions {
    var options = CallOptions()
    _ = options.metadata.add("assay-product", name)
    return options
  }

  package func budget(_ scope: BudgetScope, cap: Int64) async throws -> Budget {
    try await account.setBudget(SetBudgetRequest(scope: scope, period: .total, capNanos: cap))
  }

  /// Puts another file in the place of the gateway's.
  package func write(_ catalog: String) throws {
    try GatewayFixture.write(catalog, to: "\(gateway.folder)/gateway.yaml")
  }

  /// How often a file was taken, and refused.
  package func reads(_ state: String) async throws -> Int {
    let line = try await gateway.metrics().first {
      $0.hasPrefix("assay_gateway_catalog_reads_total{state=\"\(state)\"}")
    }
    return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }
}

extension AccountFixture {
  /// A gateway alone, over TCP, where the kernel vouches for nobody.
  package static func alone(
    _ environment: [String: String], _ body: (AccountClient) async throws -> Void
  ) async throws {
    let loop = try EventLoop(name: "client")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    try await ChildTool.with(
      try BuildPlace.executable("assay-gateway"), [], environment: environment
    ) { tool in
      try await GatewayFixture.ready(tool, loop)
      let listening = tool.output.errorLines.compactMap { try? JSONValue(parsing: $0) }.first {
        $0["message"] == "listening"
      }
      let address = try required(listening?["address"]?.stringValue, "no address")
      let channel = Channel(to: try MeshAddress(address), on: loop)
      try await body(AccountClient(channel))
      await channel.shutDown()
      try await tool.end()
    }
  }
}
