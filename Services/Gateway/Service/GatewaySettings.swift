import Configuration
import GatewayLedger
import LedgerFile

/// What an operator sets of the gateway, beside the file of its catalog.
enum GatewaySettings {
  static let catalog = Setting.string(
    "gateway.catalog", help: "The file of providers, models and products (YAML)."
  ).optional
  static let simulator = Setting.string(
    "gateway.simulator",
    help: "A simulator to ask instead of providers: http://host:port or unix:/path."
  ).optional
  static let path = Setting.string(
    "gateway.path", default: "/var/lib/assay/gateway", help: "The folder of the ledger.")
  static let durability = Setting.choice(
    "gateway.durability", of: ["power", "process"], default: "power",
    help: "What an answer survives that was given: a power cut, or a kill of the process.")
  static let listen = Setting.list(
    "gateway.listen", default: [],
    help: "Where HTTP is served: tcp://127.0.0.1:8080, unix:/path; nowhere when empty.")
  static let bodyMemory = Setting.bytes(
    "gateway.body-memory", default: 256 << 20, in: (64 << 20)...(1 << 40),
    help: "What request bodies may take of memory; large ones wait for room.")
  /// Where the stand-in keeps its log of payments.
  static let standIn = Setting.string(
    "gateway.stand-in",
    help: "Answer calls without a provider, and log what they would have cost in this file."
  ).optional
  static let standInLatency = Setting.duration(
    "gateway.stand-in-latency", default: .zero, in: .zero...Duration.seconds(60),
    help: "How long the stand-in takes to answer.")

  static let all: [any SettingDeclaration] = [
    catalog, simulator, path, durability, listen, bodyMemory, standIn, standInLatency,
  ]
}
