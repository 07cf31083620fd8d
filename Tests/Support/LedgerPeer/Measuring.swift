import EventLoop
import Faults
import GatewayBudgets
import GatewayLedger
import GatewayValues
import Glibc
import LedgerFile
import Locking

/// What a call costs: processor time of the whole process, and how long each step takes.
struct Measuring: Sendable {
  let folder: String
  let durability: LedgerDurability
  let width: Int
  let calls: Int

  func run(on loop: EventLoop) async throws {
    var options = LedgerOptions(folder: folder)
    options.durability = durability
    let ledger = try await Ledger.open(options, on: loop)
    try await Peer.prepare(ledger, cap: NanoDollars(1_000_000_000_000_000))
    try await burst(calls / 10, ledger, loop, Samples())
    let samples = Samples()
    let (began, cpu) = (loop.nowNanoseconds, Self.processorMicroseconds())
    try await burst(calls, ledger, loop, samples)
    let used = Self.processorMicroseconds() - cpu
    let wall = Double(loop.nowNanoseconds - began) / 1_000
    let figures: [(String, Double)] = [
      ("cpu_us_per_call", used / Double(calls)),
      ("calls_per_s", Double(calls) / wall * 1_000_000),
      ("admission_p50_us", samples.percentile(50, \.admission)),
      ("admission_p99_us", samples.percentile(99, \.admission)),
      ("settle_p50_us", samples.percentile(50, \.settlement)),
      ("settle_p99_us", samples.percentile(99, \.settlement)),
      ("calls_per_group", Double(calls) / Double(max(1, ledger.stats.groups))),
    ]
    for (name, value) in figures {
      print("{\"name\":\"ledger.\(durability.rawValue).c\(width).\(name)\",\"value\":\(value)}")
    }
    try await compareWithSync(ledger, loop)
    await ledger.close()
  }

  /// Calls one at a time, each followed by one fdatasync of a file that grew by a page: a disk's
  /// pace changes too much from one second to the next to be compared otherwise.
  private func compareWithSync(_ ledger: Ledger, _ loop: EventLoop) async throws {
    let descriptor = unsafe creat("\(folder)/sync", 0o600)
    defer { close(descriptor) }
    let page = [UInt8](repeating: 1, count: 4_096)
    let (order, samples) = (try Peer.order(0), Samples())
    var used = 0.0
    for _ in 0..<1_000 {
      try await call(order, ledger, loop, samples)
      let (start, cpu) = (loop.nowNanoseconds, Self.processorMicroseconds())
      _ = unsafe write(descriptor, page, page.count)
      fdatasync(descriptor)
      samples.add(sync: loop.nowNanoseconds - start)
      used += Self.processorMicroseconds() - cpu
    }
    let (settle, sync) = (samples.percentile(50, \.settlement), samples.percentile(50, \.sync))
    print("{\"name\":\"ledger.\(durability.rawValue).settle_p50_vs_fdatasync\",", terminator: "")
    print(
      "\"value\":\(settle / sync),\"settle_us\":\(settle),\"fdatasync_us\":\(sync),", terminator: ""
    )
    print("\"fdatasync_cpu_us\":\(used / 1_000)}")
  }

  private func burst(
    _ count: Int, _ ledger: Ledger, _ loop: EventLoop, _ samples: Samples
  ) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for index in 0..<width {
        group.addTask(executorPreference: loop) {
          let order = try Peer.order(index)
          for _ in 0..<count / width { try await call(order, ledger, loop, samples) }
        }
      }
    }
  }

  private func call(
    _ order: AttemptOrder, _ ledger: Ledger, _ loop: EventLoop, _ samples: Samples
  ) async throws {
    let start = loop.nowNanoseconds
    let opening = try await ledger.begin(
      order.party.product, key: nil, requestHash: [UInt8](repeating: 7, count: 32))
    guard case .opened(let ticket) = opening,
      case .held(let hold) = try await ledger.reserve(order, for: ticket)
    else { throw Fault(.internal, reason: "NOT_OPENED", "") }
    try ledger.sent(hold)
    let sent = loop.nowNanoseconds
    var settlement = Settlement(
      .used(TokenUsage(freshInput: 1_500, output: 300)), .answered)
    settlement.providerRequestID = "req_0123456789"
    settlement.answeredModel = "model-2026"
    settlement.endsCall = true
    try await ledger.settle(hold, settlement)
    samples.add(sent - start, loop.nowNanoseconds - sent)
  }

  private static func processorMicroseconds() -> Double {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(seconds) * 1_000_000 + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
  }
}

/// Nanoseconds of each call.
final class Samples: Sendable {
  struct Times: Sendable {
    var admission: [UInt64] = []
    var settlement: [UInt64] = []
    var sync: [UInt64] = []
  }

  private let times = Lock(Times())

  func add(_ admission: UInt64, _ settlement: UInt64) {
    times.withLock {
      $0.admission.append(admission)
      $0.settlement.append(settlement)
    }
  }

  func add(sync: UInt64) { times.withLock { $0.sync.append(sync) } }

  func percentile(_ percent: Int, _ kind: @Sendable (Times) -> [UInt64]) -> Double {
    let sorted = times.withLock { kind($0) }.sorted()
    return sorted.isEmpty ? 0 : Double(sorted[(sorted.count - 1) * percent / 100]) / 1_000
  }
}
