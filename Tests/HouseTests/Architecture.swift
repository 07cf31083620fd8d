/// Who stands on whom: the picture of the house as a table. A module imports only modules of
/// layers below its own; a service sees another only through that one's Contract.
enum Architecture {
  /// Shared modules, generators and test libraries from the bottom up.
  static let layers: [[String]] = [
    [
      "Faults", "JSON", "Machine", "Digest", "Failpoints", "Locking", "ServerSentEvents",
      "GatewayValues",
    ],
    [
      "SQLite", "EventLoop", "YAML", "Gzip", "HTTP2", "Telemetry", "Descriptors", "Protobuf",
      "GRPCFormat", "MeshAddressing", "JSONText", "GatewayPacing", "GatewayBudgets",
    ],
    [
      "Configuration", "Lifecycle", "Feed", "WellKnown", "GeneratorCore", "TestSupport", "Compose",
      "Console", "HTTPClient", "GatewayProviders", "GatewayLimits", "LedgerFile", "GatewayAudit",
      "GatewayCache", "SimulatorModel", "Blobs",
    ],
    [
      "RPCStream", "GeneratorMain", "HTTPServer", "GatewayCatalog", "GatewayLedger",
      "GatewayPrompts", "SimulatorScript", "GatewayMedia",
    ],
    ["RPC", "GatewayPipeline"],
    ["ScoreContract", "GatewayBatches"],
    ["MeshContract", "TestingContract", "GatewayDoor"],
    ["GatewayAccount"],
    ["ServiceHost", "StoreBackend", "GatewayStandIn", "RunEngine"],
    [
      "Supervisor", "RunDisplay", "InteropPeer", "LoadPeer", "LedgerPeer", "GatewayFixtures",
      "Benchmarks",
      "FuzzTargets", "StoreJournal", "StoreSchema", "RunWorkloads",
    ],
    ["Fuzz", "StoreSQLite", "Proof", "ToolContext"],
    ["RunCommands", "AccountCommands"],
  ]

  /// Services and whom each may call. Calls go down; progress streams back on the same call.
  static let services: [(name: String, calls: [String])] = [
    ("Store", []),
    ("Gateway", []),
    ("Ingest", []),
    // A provider of its own, which callers reach by HTTP as they reach any other.
    ("Simulator", []),
    ("Orchestrator", ["Store", "Gateway", "Ingest"]),
    ("Edge", ["Orchestrator", "Store", "Gateway", "Ingest"]),
    // Store and Gateway for what they alone have, asked plainly: exports and backups, accounts.
    ("CLI", ["Orchestrator", "Store", "Gateway"]),
  ]

  /// Whether code of one service may speak in the values of another, or of its own.
  static func mayCall(_ caller: String, _ callee: String) -> Bool {
    caller == callee || services.contains { $0.name == caller && $0.calls.contains(callee) }
  }

  /// Where a module lives when it is not `Shared/<Name>`.
  private static let places: [String: String] = [
    "WellKnown": "Shared/WellKnown/Contract",
    "MeshContract": "Shared/MeshContract/Contract",
    "TestingContract": "Tests/Support/Testing/Contract",
    "ScoreContract": "Shared/ScoreContract/Contract",
    "StoreBackend": "Services/Store/Backend",
    "StoreJournal": "Services/Store/Journal",
    "StoreSchema": "Services/Store/Schema",
    "StoreSQLite": "Services/Store/SQLite",
    "GatewayStandIn": "Services/Gateway/StandIn",
    "GatewayValues": "Services/Gateway/Values",
    "GatewayProviders": "Services/Gateway/Providers",
    "GatewayCatalog": "Services/Gateway/Catalog",
    "GatewayLedger": "Services/Gateway/Ledger",
    "GatewayCache": "Services/Gateway/Cache",
    "GatewayPrompts": "Services/Gateway/Prompts",
    "GatewayMedia": "Services/Gateway/Media",
    "GatewayPipeline": "Services/Gateway/Pipeline",
    "GatewayBatches": "Services/Gateway/Batches",
    "GatewayDoor": "Services/Gateway/Door",
    "GatewayAccount": "Services/Gateway/Account",
    "GatewayPacing": "Services/Gateway/Pacing",
    "GatewayLimits": "Services/Gateway/Limits",
    "SimulatorModel": "Services/Simulator/Model",
    "GatewayBudgets": "Services/Gateway/Budgets",
    "LedgerFile": "Services/Gateway/LedgerFile",
    "GatewayAudit": "Services/Gateway/Audit",
    "SimulatorScript": "Services/Simulator/Script",
    "RunEngine": "Services/Orchestrator/Engine",
    "RunWorkloads": "Services/Orchestrator/Workloads",
    "Proof": "Services/CLI/Proof",
    "RunDisplay": "Services/CLI/Display",
    "ToolContext": "Services/CLI/Context",
    "RunCommands": "Services/CLI/Runs",
    "AccountCommands": "Services/CLI/Accounts",
    "TestSupport": "Tests/Support/TestSupport",
    "InteropPeer": "Tests/Support/InteropPeer",
    "LoadPeer": "Tests/Support/LoadPeer",
    "LedgerPeer": "Tests/Support/LedgerPeer",
    "GatewayFixtures": "Tests/Support/GatewayFixtures",
    "Benchmarks": "Tests/Benchmarks/Runner",
    "FuzzTargets": "Tests/Fuzz/Targets",
    "Fuzz": "Tests/Fuzz/Main",
    "GeneratorCore": "proto/Generator/Core",
    "GeneratorMain": "proto/Generator/Main",
    "Compose": "Services/CLI/Compose",
    "Console": "Services/CLI/Console",
    "Supervisor": "Services/CLI/Supervisor",
  ]

  /// Modules of the toolchain that anyone may import.
  static let outside: Set<String> = ["Swift", "Glibc", "Synchronization", "FoundationEssentials"]
  /// Tests may use these besides.
  static let outsideOfTests: Set<String> = ["Testing", "Foundation"]

  /// A service's module after its role: the CLI's logic is a library with a name of its own.
  static func serviceModule(_ service: String) -> String {
    service == "CLI" ? "CommandLineTool" : "\(service)Service"
  }

  static let modules: [Module] = {
    var all: [Module] = []
    for (rank, names) in layers.enumerated() {
      for name in names {
        let path = places[name] ?? "Shared/\(name)"
        all.append(Module(name: name, path: path, role: .library, rank: rank))
      }
    }
    let contractRank = layers.firstIndex { $0.contains("MeshContract") } ?? 0
    let serviceRank = layers.count
    for (name, calls) in services {
      let top = "Services/\(name)"
      all += [
        Module(
          name: "\(name)Contract", path: "\(top)/Contract", role: .contract(of: name),
          rank: contractRank),
        Module(
          name: serviceModule(name), path: "\(top)/Service",
          role: .service(name, calls: calls), rank: serviceRank),
        Module(
          name: "\(name)Main", path: "\(top)/Main", role: .main(of: name), rank: serviceRank + 1),
      ]
    }
    return all
  }()

  private static let byName = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })

  static func module(named name: String) -> Module? {
    byName[name]
      ?? (name.hasSuffix("Tests")
        ? Module(name: name, path: "Tests/\(name)", role: .test, rank: .max) : nil)
  }

  /// The module a file belongs to; nil for Package.swift and for files nobody has placed.
  static func module(holding path: String) -> Module? {
    if let module = modules.first(where: { path.hasPrefix($0.path + "/") }) { return module }
    let parts = path.split(separator: "/")
    guard parts.count > 2, parts[0] == "Tests" else { return nil }
    return module(named: String(parts[1]))
  }

  /// `CUV`, `CStoreWire`: a C module by its name.
  static func isC(_ name: String) -> Bool {
    name.first == "C" && name.dropFirst().first?.isUppercase == true
      && module(named: name) == nil
  }
}

/// One Swift module: where it lives, what it is to others, and how high it stands.
struct Module: Equatable, Sendable {
  enum Role: Equatable, Sendable {
    case library
    case contract(of: String)
    case service(String, calls: [String])
    case main(of: String)
    case test
  }

  let name: String
  let path: String
  let role: Role
  let rank: Int

  var isShared: Bool { path.hasPrefix("Shared/") }
  var isInTests: Bool { path.hasPrefix("Tests/") }

  /// The service this module is a part of.
  var service: String? {
    let parts = path.split(separator: "/")
    return parts.count > 1 && parts[0] == "Services" ? String(parts[1]) : nil
  }
}
