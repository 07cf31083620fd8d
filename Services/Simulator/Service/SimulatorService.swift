// Simulator: a provider of language models to run against, on the far side of a real HTTP
// connection. It speaks Anthropic's and OpenAI's dialects, answers by a seed, caches, limits and
// bills as they do, and fails on demand. It stands outside the mesh's trust: it shares no code
// with the gateway, calls nobody, and its bill is on disk before an answer leaves.
// Limits: `HTTPLimits`, `ModelLimits`, `SimulationLimits`.

package import Configuration
import EventLoop
import Lifecycle
import Machine
package import ServiceHost
import SimulatorModel
import SimulatorScript

/// What the simulator is made of.
package enum SimulatorService {
  package static let listen = Setting.list(
    "simulator.listen", default: ["tcp:127.0.0.1:8089"],
    help: "Where it speaks HTTP: unix:/path and tcp:host:port, several with commas.",
    check: { ListenAddress($0) == nil ? "must be unix:/path or tcp:host:port" : nil })
  package static let seed = Setting.int(
    "simulator.seed", default: 1, in: 0...Int.max,
    help: "What answers are made from, together with the request.")
  package static let keys = Setting.list(
    "simulator.keys", default: ["sim-*"],
    help: "API keys it takes; a * at the end stands for anything.")
  package static let bill = Setting.string(
    "simulator.bill", help: "The file of its bill; without it calls are billed in memory only."
  ).optional
  package static let durability = Setting.choice(
    "simulator.durability", of: ["fsync", "none"], default: "fsync",
    help: "fsync: the bill is on disk before an answer leaves. none: in the file soon after.")
  package static let cutStreams = Setting.choice(
    "simulator.bills-cut-streams", of: ["full", "produced"], default: "produced",
    help: "What a stream costs that the client has cut: all of it, or what was made until then.")
  package static let latency = Setting.duration(
    "simulator.latency", default: .zero, in: .zero...Duration.seconds(3600),
    help: "From a request to the first byte of its answer.")
  package static let latencyPerToken = Setting.duration(
    "simulator.latency-per-token", default: .zero, in: .zero...Duration.seconds(60),
    help: "How long each token of an answer takes.")
  package static let body = Setting.bytes(
    "simulator.body", default: 40_000_000, in: 1024...1_000_000_000,
    help: "The largest body of a request; batches may want more.")
  package static let requests = limit("requests", "Requests")
  package static let inputTokens = limit("input-tokens", "Anthropic's input tokens")
  package static let outputTokens = limit("output-tokens", "Anthropic's output tokens")
  package static let tokens = limit("tokens", "OpenAI's tokens")

  private static func limit(_ name: String, _ what: String) -> Setting<Int> {
    Setting.int(
      "simulator.limit-\(name)", default: 0, in: 0...1_000_000_000,
      help: "\(what) a minute that each key has; 0 is no limit.")
  }

  package static let blueprint = ServiceBlueprint(
    name: "simulator", purpose: "be a provider of language models, with a bill and faults.",
    settings: [
      listen, seed, keys, bill, durability, cutStreams, latency, latencyPerToken, body, requests,
      inputTokens, outputTokens, tokens,
    ]
  ) { environment in
    let values = environment.configuration.current
    let bill = try await BillFile(
      path: values[bill], isSynced: values[durability] == "fsync", loop: environment.loop)
    let server = SimulatorServer(
      options: options(values), bill: bill, loop: environment.loop, logger: environment.logger)
    try await server.open(values[listen].compactMap { ListenAddress($0) })
    return ServiceParts(
      [],
      beside: [
        LifecycleMember("provider") {
          await ShutdownSignal.current?.wait()
          await server.close()
          await bill.close()
        }
      ])
  }

  private static func options(_ values: ConfigurationValues) -> SimulationOptions {
    var options = SimulationOptions()
    options.seed = UInt64(values[seed])
    options.keys = values[keys]
    options.billsCutStreamsInFull = values[cutStreams] == "full"
    options.latency.firstNanoseconds = nanoseconds(values[latency])
    options.latency.perTokenNanoseconds = nanoseconds(values[latencyPerToken])
    options.http.bodyBytesMax = values[body]
    var limits = RateLimits()
    limits.requests = values[requests]
    limits.inputTokens = values[inputTokens]
    limits.outputTokens = values[outputTokens]
    limits.tokens = values[tokens]
    if !limits.isOff { options.limits["*"] = limits }
    return options
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
  }
}

/// Where it speaks HTTP.
enum ListenAddress: Sendable {
  case unix(String)
  case tcp(host: String, port: UInt16)

  init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = text.dropFirst(5)
      guard path.first == "/" else { return nil }
      self = .unix(String(path))
    } else if text.hasPrefix("tcp:"), let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...])
    {
      var host = text[text.index(text.startIndex, offsetBy: 4)..<colon]
      if host.hasPrefix("//") { host = host.dropFirst(2) }
      guard !host.isEmpty else { return nil }
      self = .tcp(host: String(host), port: port)
    } else {
      return nil
    }
  }
}
