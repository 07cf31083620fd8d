import EventLoop
import Faults
import GatewayAudit
import GatewayBudgets
import GatewayValues
import LedgerFile
import Locking
import Machine
import TestSupport
import Testing

@testable import GatewayLedger

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
  private let milliseconds: Lock<Int64>

  /// The 25th of November 2026, noon in UTC.
  init(_ start: Int64 = 1_795_608_000_000) { milliseconds = Lock(start) }

  var now: Int64 { milliseconds.withLock { $0 } }
  func advance(_ count: Int64) { milliseconds.withLock { $0 += count } }
}

/// One ledger in a folder of its own, and the calls that tests make most.
struct LedgerFixture: Sendable {
  let ledger: Ledger
  let clock: ManualClock
  let folder: String
  let loop: EventLoop

  static let model = name("model")
  static let product = name("product")
  /// A nano-dollar for each token, of any kind.
  static let price = ModelPrice(input: NanoDollars(1_000_000), output: NanoDollars(1_000_000))

  static func name(_ text: String) -> GatewayName {
    GatewayName(text) ?? name("unnamed")
  }

  static func onLoop<R>(_ body: (EventLoop) async throws -> R) async throws -> R {
    let loop = try EventLoop(name: "ledger-test")
    try loop.start()
    defer {
      loop.stop()
      loop.join()
    }
    return try await body(loop)
  }

  /// Runs `body` on a new ledger with a price, and closes it.
  static func with(
    durability: LedgerDurability = .power, _ body: (LedgerFixture) async throws -> Void
  ) async throws {
    try await ScratchFolder.with { folder in
      try await onLoop { loop in
        let fixture = try await open(folder.path, on: loop, durability: durability)
        try await body(fixture)
        await fixture.ledger.close()
      }
    }
  }

  static func open(
    _ folder: String, on loop: EventLoop, durability: LedgerDurability = .power,
    clock: ManualClock = ManualClock(), boot: String = "boot", pagesMax: Int = 0
  ) async throws -> LedgerFixture {
    var options = LedgerOptions(folder: folder)
    options.durability = durability
    options.clock = { clock.now }
    options.boot = boot
    options.pagesMax = pagesMax
    options.lockPatience = .seconds(1)
    let ledger = try await Ledger.open(options, on: loop)
    if ledger.prices.models.isEmpty {
      try await ledger.set(price: price, of: model, version: name("v1"), fromMilliseconds: 0)
    }
    return LedgerFixture(ledger: ledger, clock: clock, folder: folder, loop: loop)
  }

  // MARK: - Calls

  func budget(
    _ name: String, _ cap: Int64, scope: BudgetScope = BudgetScope(),
    period: BudgetPeriod = .total, zone: String = "UTC"
  ) async throws {
    try await ledger.set(
      Budget(
        Self.name(name), scope: scope, period: period, zone: zone, cap: NanoDollars(cap)))
  }

  /// An attempt that may cost so many nano-dollars.
  func order(_ bound: Int64, key: String = "key", run: String? = nil) -> AttemptOrder {
    AttemptOrder(
      party: CallParty(
        product: Self.product, key: Self.name(key), run: run.map(Self.name), model: Self.model),
      provider: Self.name("provider"), bound: CallBound(inputTokensMax: bound, outputTokensMax: 0))
  }

  func ticket(_ key: String? = nil, hash: UInt8 = 1) async throws -> CallTicket {
    let opening = try await ledger.begin(
      Self.product, key: key.flatMap { CallKey($0) },
      requestHash: [UInt8](repeating: hash, count: 32))
    guard case .opened(let ticket) = opening else {
      throw Fault(.internal, reason: "NOT_OPENED", "\(opening)")
    }
    return ticket
  }

  /// Holds money for a call of its own; throws the refusal.
  func hold(_ bound: Int64, key: String = "key", run: String? = nil) async throws -> AttemptHold {
    switch try await ledger.reserve(order(bound, key: key, run: run), for: ticket()) {
    case .held(let hold): return hold
    case .refused(let refusal): throw refusal.fault
    }
  }

  /// A whole call that costs so much of what it may.
  @discardableResult
  func pay(_ cost: Int64, of bound: Int64, key: String = "key") async throws -> LedgerLine {
    let hold = try await hold(bound, key: key)
    try ledger.sent(hold)
    return try await ledger.settle(hold, Self.used(cost))
  }

  static func used(_ tokens: Int64) -> Settlement {
    Settlement(.used(TokenUsage(freshInput: tokens)), .answered)
  }

  func standing(_ budget: String, subject: String = "") async throws -> BudgetStanding? {
    try await ledger.standings(of: Self.name(budget)).first { $0.subject == subject }
  }

  /// The file as it is now, as if the process were killed or the power cut.
  func copy(to folder: String) throws {
    try Files.makeDirectories(folder)
    for entry in Files.entries(of: self.folder) where entry != "ledger.lock" {
      let file = try OpenFile("\(folder)/\(entry)", for: .replace)
      try file.write(Files.read("\(self.folder)/\(entry)"))
    }
  }

  /// The line of an attempt that has ended, with its number.
  func line(of hold: AttemptHold) async throws -> LedgerLine {
    let lines = try await ledger.lines(LineFilter())
    return try #require(lines.first { $0.attempt == hold.id })
  }

  /// Of the file, with all that was answered.
  func audit(_ bill: [BilledCall]? = nil) async throws -> AuditReport {
    _ = try? await ledger.perform(.barrier)
    return try LedgerAudit.run(folder: folder, bill: bill)
  }
}

/// The reason of the fault that `body` throws; nil when it throws none.
func reason(_ body: () async throws -> Void) async -> String? {
  do { try await body() } catch { return Fault(describing: error).reason }
  return nil
}
