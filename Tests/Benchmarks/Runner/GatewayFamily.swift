import Glibc
import JSON
import Machine

/// The gateway in front of a simulator, beside that simulator alone: what a call through it costs
/// and how much later it is answered, with the ledger on.
final class GatewayFamily {
  private let bench: Bench
  private static let rounds = 3
  private static let seconds = 2.0
  private static let smallBytes = 1_024
  private static let documentBytes = 10_000_000
  private static let documents = 100
  private static let latency = "50ms"

  init(_ bench: Bench) { self.bench = bench }

  func run() {
    attempt(["gateway.idle_mb", "gateway.ready_ms"], measureStart)
    attempt(
      ["gateway.cpu_s_per_1000", "gateway.added_p50_us_c1", "gateway.added_p99_us_c16"],
      measureCalls)
    attempt(["gateway.added_p50_vs_fdatasync"], measurePower)
    attempt(["gateway.stream_added_first_us", "gateway.stalled_streams"], measureStreams)
    attempt(["gateway.small_p99_under_large", "gateway.large_rss_growth"], measureDocuments)
    attempt(["gateway.rss_growth"], measureSoak)
  }

  func runRivals() {
    attempt(["gateway.cpu_vs_tensorzero", "gateway.cpu_vs_litellm"], measureRivals)
  }

  private func attempt(_ names: [String], _ body: () throws -> Void) {
    do { try body() } catch { for name in names { bench.skip(name, because: error) } }
  }

  // MARK: Start

  private func measureStart() throws {
    var ready: [Double] = []
    var idle: [Double] = []
    for round in 0..<GatewayFamily.rounds {
      let pair = try GatewayPair(bench, "start\(round)", durability: "power", latency: "0s")
      defer { pair.stop() }
      ready.append(pair.firstAnswerMilliseconds)
      // What only the start needed is given back a moment after it.
      _ = poll(nil, 0, 1_000)
      idle.append(pair.residentMegabytes)
    }
    bench.report("gateway.ready_ms", median(ready), unit: "ms")
    bench.report("gateway.idle_mb", median(idle), unit: "MB")
  }

  // MARK: Calls

  private func measureCalls() throws {
    let pair = try GatewayPair(bench, "calls", durability: "process", latency: "0s")
    defer { pair.stop() }
    var cpu: [Double] = []
    var alone: [(added: Double, direct: Double)] = []
    var busy: [Double] = []
    for _ in 0..<GatewayFamily.rounds {
      alone.append(try added(pair, callers: 1) { $0.p50 })
      let before = pair.cpuSeconds()
      let run = try load(pair.door, callers: 8)
      cpu.append((pair.cpuSeconds() - before) / Double(run.calls) * 1000)
      busy.append(try added(pair, callers: 16) { $0.p99 }.added)
    }
    bench.report(
      "gateway.cpu_s_per_1000", median(cpu), unit: "s", [("calls_at_once", .number(8))])
    bench.report(
      "gateway.added_p50_us_c1", median(alone.map(\.added)), unit: "us",
      [("direct_p50_us", .number(median(alone.map(\.direct)).rounded()))])
    let slow = try GatewayPair(
      bench, "slow", durability: "process", latency: GatewayFamily.latency)
    defer { slow.stop() }
    // The limit of calls at once begins low and grows with answers.
    _ = try load(slow.door, callers: 16, seconds: 5)
    let late = try (0..<GatewayFamily.rounds).map { _ in
      try added(slow, callers: 16) { $0.p99 }.added
    }
    bench.report(
      "gateway.added_p99_us_c16", median(late), unit: "us",
      [("without_latency_us", .number(median(busy).rounded()))])
  }

  private func added(
    _ pair: GatewayPair, callers: Int, _ figure: (HTTPLoad) -> Double
  ) throws -> (added: Double, direct: Double) {
    let direct = figure(try load(pair.provider, callers: callers))
    return (figure(try load(pair.door, callers: callers)) - direct, direct)
  }

  private func load(
    _ address: String, callers: Int, seconds: Double = GatewayFamily.seconds,
    bytes: Int = GatewayFamily.smallBytes, isStream: Bool = false
  ) throws -> HTTPLoad {
    try HTTPLoad.begun(
      bench, address, callers: callers, seconds: seconds, bytes: bytes, isStream: isStream
    ).ended()
  }

  // MARK: A power cut

  private func measurePower() throws {
    let pair = try GatewayPair(bench, "power", durability: "power", latency: "0s")
    defer { pair.stop() }
    var ratios: [Double] = []
    var syncs: [Double] = []
    var waits: [Double] = []
    for _ in 0..<GatewayFamily.rounds {
      let sync = try SyncedFile.p50Microseconds(in: bench.scratch)
      let wait = try added(pair, callers: 1) { $0.p50 }.added
      ratios.append(wait / sync)
      syncs.append(sync)
      waits.append(wait)
    }
    bench.report(
      "gateway.added_p50_vs_fdatasync", median(ratios), unit: "x",
      [
        ("added_p50_us", .number(median(waits).rounded())),
        ("fdatasync_p50_us", .number(median(syncs).rounded())),
      ])
  }

  // MARK: Streams

  private func measureStreams() throws {
    let pair = try GatewayPair(
      bench, "streams", durability: "process", latency: "20ms", perToken: "1ms")
    defer { pair.stop() }
    var first: [Double] = []
    var stalled: [Double] = []
    for _ in 0..<GatewayFamily.rounds {
      let direct = try load(pair.provider, callers: 4, isStream: true)
      let ours = try load(pair.door, callers: 4, isStream: true)
      first.append(ours.firstP50 - direct.firstP50)
      stalled.append(max(0, ours.stalledShare - direct.stalledShare))
    }
    bench.report("gateway.stream_added_first_us", median(first), unit: "us")
    bench.report("gateway.stalled_streams", median(stalled), unit: "share")
  }

  // MARK: Large documents

  private func measureDocuments() throws {
    let pair = try GatewayPair(
      bench, "documents", durability: "process", latency: GatewayFamily.latency)
    defer { pair.stop() }
    let calm = try load(pair.door, callers: 2, seconds: 4)
    var peaks: [Double] = []
    var busy: [Double] = []
    for _ in 0..<GatewayFamily.rounds {
      let documents = try HTTPLoad.begun(
        bench, pair.door, callers: GatewayFamily.documents, seconds: 0.1,
        bytes: GatewayFamily.documentBytes)
      let small = try load(pair.door, callers: 2, seconds: 4)
      let large = try documents.ended()
      guard large.failures == 0, large.calls == GatewayFamily.documents else {
        throw BenchError("\(large.failures) of \(large.calls) documents failed")
      }
      busy.append(small.p99)
      peaks.append(pair.peakMegabytes)
    }
    bench.report(
      "gateway.small_p99_under_large", median(busy) / calm.p99, unit: "x",
      [("calm_p99_us", .number(calm.p99.rounded()))])
    bench.report(
      "gateway.large_rss_growth", (peaks.last ?? 0) / (peaks.first ?? 1), unit: "x",
      [("peak_mb", .number((peaks.last ?? 0).rounded()))])
  }

  // MARK: Others

  /// The same provider, callers and size of bodies; the others account for nothing.
  private func measureRivals() throws {
    let rivals = try GatewayRivals(bench)
    defer { rivals.stop() }
    let pair = try GatewayPair(bench, "ours", durability: "process", latency: "0s")
    defer { pair.stop() }
    _ = try load(pair.door, callers: 8, seconds: 1)
    let before = pair.cpuSeconds()
    let run = try load(pair.door, callers: 8)
    let ours = (pair.cpuSeconds() - before) / Double(run.calls) * 1000
    let tensorZero = try rivals.tensorZeroSeconds(callers: 8, bytes: GatewayFamily.smallBytes)
    bench.report(
      "gateway.cpu_vs_tensorzero", tensorZero / ours, unit: "x",
      [("cpu_s_per_1000", .number(ours)), ("theirs", .number(tensorZero))])
    let liteLLM = try rivals.liteLLMSeconds(callers: 8, bytes: GatewayFamily.smallBytes)
    bench.report(
      "gateway.cpu_vs_litellm", liteLLM / ours, unit: "x",
      [("cpu_s_per_1000", .number(ours)), ("theirs", .number(liteLLM))])
  }

  // MARK: Long load

  private func measureSoak() throws {
    let seconds = Double(EnvironmentVariables.current["BENCH_SOAK_SECONDS"] ?? "300") ?? 300
    let pair = try GatewayPair(bench, "soak", durability: "process", latency: "0s")
    defer { pair.stop() }
    _ = try load(pair.door, callers: 8, seconds: seconds / 5)
    let early = pair.residentMegabytes
    let run = try load(pair.door, callers: 8, seconds: seconds * 4 / 5)
    bench.report(
      "gateway.rss_growth", pair.residentMegabytes / early, unit: "x",
      [
        ("resident_mb", .number(pair.residentMegabytes.rounded())),
        ("calls", .number(run.calls)), ("seconds", .number(seconds)),
      ])
  }
}
