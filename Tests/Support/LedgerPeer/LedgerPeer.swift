// LedgerPeer: a process with a ledger under load, for tests that kill it and for measuring what a
// call costs. It writes what it sends to a bill of its own, outside the ledger. It asks no
// provider and is no part of any service. Limits: as many calls at once as it is told.

import EventLoop
import Faults
import GatewayBudgets
import GatewayLedger
import GatewayValues
import Glibc
import LedgerFile
import Locking
import Machine

@main
struct LedgerPeer {
  /// `load FOLDER BILL DURABILITY WIDTH` runs until it is killed, `visit …` makes a few calls and
  /// closes;
  /// `measure FOLDER DURABILITY WIDTH CALLS` ends by itself.
  static func main() async throws {
    let words = CommandLine.arguments.dropFirst().map { $0 }
    guard let verb = words.first, words.count == 5 else {
      throw Fault(.invalidArgument, reason: "USAGE", "load or measure, and four words")
    }
    let loop = try EventLoop(name: "peer")
    try loop.start()
    if verb == "measure" {
      try await Measuring(
        folder: words[1], durability: LedgerDurability(rawValue: words[2]) ?? .power,
        width: Int(words[3]) ?? 8, calls: Int(words[4]) ?? 10_000
      ).run(on: loop)
    } else {
      try await Load(
        folder: words[1], bill: words[2],
        durability: LedgerDurability(rawValue: words[3]) ?? .power, width: Int(words[4]) ?? 8,
        callsMax: verb == "visit" ? 10 : .max
      ).run(on: loop)
    }
  }
}

/// What every caller here uses.
enum Peer {
  static func name(_ text: String) throws -> GatewayName {
    guard let name = GatewayName(text) else {
      throw Fault(.invalidArgument, reason: "NAME", text)
    }
    return name
  }

  static let price = ModelPrice(
    input: NanoDollars(3_000_000_000), output: NanoDollars(15_000_000_000))

  static func prepare(_ ledger: Ledger, cap: NanoDollars) async throws {
    let model = try name("model")
    if ledger.prices.models.isEmpty {
      try await ledger.set(
        price: price, of: model, version: try name("v1"), fromMilliseconds: 0)
    }
    if ledger.budgets.isEmpty {
      try await ledger.set(
        Budget(try name("everything"), scope: BudgetScope(), cap: cap))
      try await ledger.set(
        Budget(
          try name("keys"), scope: BudgetScope(key: .each), period: .day, zone: "Europe/Berlin",
          cap: cap))
    }
  }

  static func order(_ index: Int) throws -> AttemptOrder {
    AttemptOrder(
      party: CallParty(
        product: try name("product"), key: try name("key\(index % 8)"), run: try name("run"),
        model: try name("model")),
      provider: try name("provider"),
      bound: CallBound(inputTokensMax: 2_000, outputTokensMax: 1_000))
  }
}

/// Calls without an end, each billed outside before it is settled.
struct Load: Sendable {
  let folder: String
  let bill: String
  let durability: LedgerDurability
  let width: Int
  /// Of each caller.
  let callsMax: Int
  private let mayWait = EnvironmentVariables.current["LEDGER_WAITS"] != nil

  func run(on loop: EventLoop) async throws {
    var options = LedgerOptions(folder: folder)
    options.durability = durability
    if let boot = EnvironmentVariables.current["LEDGER_BOOT"] { options.boot = boot }
    let ledger = try await Ledger.open(options, on: loop)
    try await Peer.prepare(ledger, cap: NanoDollars(1_000_000_000_000_000))
    print("open")
    fflush(nil)
    let file = try OpenFile(bill, for: .append)
    let log = Log(file)
    let start = ledger.stats.lines
    try await withThrowingDiscardingTaskGroup { group in
      for index in 0..<width {
        group.addTask(executorPreference: loop) {
          var turn = 0
          while turn < callsMax {
            turn += 1
            let id = "\(getpid())-\(index)-\(turn)-\(start)"
            do {
              try await call(index, id, ledger, log)
            } catch let fault as Fault where fault.reason == "LEDGER_FULL" && mayWait {
              // Until there is room again.
              print("full")
              fflush(nil)
              try await loop.sleep(for: fault.retryAfter ?? .milliseconds(10))
            }
          }
        }
      }
    }
    await ledger.close()
  }

  private func call(_ index: Int, _ id: String, _ ledger: Ledger, _ log: Log) async throws {
    let hash = [UInt8](repeating: 7, count: 32)
    let opening = try await ledger.begin(
      try Peer.name("product"), key: CallKey("key-\(id)"), requestHash: hash)
    guard case .opened(let ticket) = opening,
      case .held(let hold) = try await ledger.reserve(try Peer.order(index), for: ticket)
    else { throw Fault(.internal, reason: "NOT_OPENED", id) }
    try ledger.sent(hold)
    let usage = TokenUsage(freshInput: Int64(100 + index), output: Int64(id.utf8.count))
    let cost = Peer.price.cost(of: usage)?.count ?? 0
    // From here on the provider has billed it.
    try log.write(
      """
      {"request_id":"req-\(id)","call_key":"key-\(id)","usage":{"input":\(usage.freshInput),\
      "output":\(usage.output)},"cost_nanos":\(cost)}

      """)
    var settlement = Settlement(.used(usage), .answered)
    settlement.providerRequestID = "req-\(id)"
    settlement.endsCall = true
    settlement.reply = Array("reply of \(id)".utf8)
    try await ledger.settle(hold, settlement)
    try log.write("settled req-\(id)\n")
  }
}

/// A file that several tasks add whole lines to.
final class Log: Sendable {
  private let file: OpenFile

  init(_ file: consuming OpenFile) { self.file = file }

  func write(_ line: String) throws { try file.write(line) }
}
