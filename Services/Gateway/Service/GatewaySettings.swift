import Configuration
import GatewayCache
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
  static let cacheBytes = Setting.bytes(
    "gateway.cache-bytes", default: 256 << 20, in: CacheLimits.bytesRange,
    help: "How much the cache of whole answers keeps, in a file beside the ledger; 0: no cache.")
  static let cacheAge = Setting.duration(
    "gateway.cache-age", default: .seconds(86_400), in: CacheLimits.ageRange,
    help: "How long an answer is given again to whoever asks the very same; 0s: no cache.")
  static let promptCache = Setting.choice(
    "gateway.prompt-cache", of: ["plan", "caller"], default: "plan",
    help: "Who marks what a provider is to cache: the gateway where it pays, or callers only.")
  static let bodyMemory = Setting.bytes(
    "gateway.body-memory", default: 256 << 20, in: (64 << 20)...(1 << 40),
    help: "What request bodies may take of memory; large ones wait for room.")
  static let blobs = Setting.string(
    "gateway.blobs",
    help: "The folder of the documents that calls refer to; without it, such a call is refused."
  ).optional
  static let batchPoll = Setting.duration(
    "gateway.batch-poll", default: .seconds(5), in: .milliseconds(10)...Duration.seconds(600),
    help: "How soon a provider is asked about a batch at first; at last it is twelve times that.")
  static let batchGather = Setting.duration(
    "gateway.batch-gather", default: .seconds(5), in: .zero...Duration.seconds(600),
    help: "How long a call that can wait waits for others to share its batch.")
  static let batchLead = Setting.duration(
    "gateway.batch-lead", default: .seconds(900), in: .zero...Duration.seconds(86_400),
    help: "How long before its deadline a call is no longer left to a batch.")
  /// Where the stand-in keeps its log of payments.
  static let standIn = Setting.string(
    "gateway.stand-in",
    help: "Answer calls without a provider, and log what they would have cost in this file."
  ).optional
  static let standInLatency = Setting.duration(
    "gateway.stand-in-latency", default: .zero, in: .zero...Duration.seconds(60),
    help: "How long the stand-in takes to answer.")

  static let all: [any SettingDeclaration] = [
    catalog, simulator, path, durability, listen, cacheBytes, cacheAge, promptCache, bodyMemory,
    blobs, batchPoll, batchGather, batchLead, standIn, standInLatency,
  ]
}
