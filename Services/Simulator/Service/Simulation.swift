import EventLoop
import JSON
import SimulatorModel
import SimulatorScript
import Telemetry

/// Bounds of what one simulator keeps.
enum SimulationLimits {
  /// Calls that the log remembers; the oldest go first, and are counted.
  static let recordsMax = 100_000
  /// Bytes of a bill that has no file.
  static let billInMemoryBytesMax = 256 << 20
  /// What waits for its write where the bill waits for no disk, and how long.
  static let billUnwrittenBytesMax = 64 << 10
  static let billWriteDelay = Duration.milliseconds(2)
  /// Files and batches that are kept.
  static let filesMax = 1000
}

/// How a simulator behaves until it is told otherwise.
struct SimulationOptions: Sendable {
  var seed: UInt64 = 1
  var keys = ["sim-*"]
  var billsCutStreamsInFull = false
  var latency = LatencyLaw()
  var limits: [String: RateLimits] = [:]
  var http = HTTPLimits()

  init() {}

  func accepts(_ key: String) -> Bool {
    keys.contains { pattern in
      pattern.hasSuffix("*") ? key.hasPrefix(pattern.dropLast()) : key == pattern
    }
  }
}

/// Everything that calls share; on the loop's thread only.
final class Simulation {
  let options: SimulationOptions
  let loop: EventLoop
  var script = FaultScript()
  var latency: LatencyLaw
  var cache = PromptCache()
  var limiter = RateLimiter()
  var batches = BatchShelf()
  /// How far its own clock is ahead, by `/control/clock`.
  var clockOffset: UInt64 = 0
  private(set) var inFlight = 0
  private(set) var callCount = 0
  private(set) var records: [CallRecord] = []
  private(set) var firstRecord = 0

  var onBilled: (@Sendable (Int) -> Void)?
  var readBill: (@Sendable (Int) -> Void)?
  private let bill: BillFile
  /// The bill of a simulator that has no file for it.
  private var billInMemory: [UInt8] = []
  private var billUnwritten: [UInt8] = []
  private var billTimer: LoopTimer?
  private var billCount = 0
  private var billWaiting: [(number: Int, done: () -> Void)] = []
  private var billReaders: [Int: ([UInt8]) -> Void] = [:]
  private var connections: [ObjectIdentifier: HTTPConnection] = [:]
  private let start: UInt64
  /// Tells the ids of one start of the simulator from those of another.
  private let startName: String
  private var isClosed = false

  init(options: SimulationOptions, bill: BillFile, loop: EventLoop) {
    self.options = options
    self.bill = bill
    self.loop = loop
    latency = options.latency
    limiter.limits = options.limits
    start = loop.nowNanoseconds
    startName = String(UInt64(WallTime.now().seconds) % 100_000_000, radix: 36) + "x"
  }

  // MARK: - Time and names

  /// Nanoseconds since the start, by the kernel's clock.
  var elapsed: UInt64 { loop.nowNanoseconds - start }
  /// The simulator's own time, for caches and limits.
  var now: UInt64 { elapsed + clockOffset }

  func names(for dialect: Dialect) -> CallNames {
    callCount += 1
    return CallNames(
      number: callCount, start: startName, dialect: dialect,
      created: Int(WallTime.now().seconds))
  }

  // MARK: - Connections

  func accept(_ stream: SocketStream) {
    guard !isClosed else { return stream.close() }
    let connection = HTTPConnection(
      stream, limits: options.http,
      handle: { [weak self] request, connection in self?.route(request, connection) },
      onClosed: { [weak self] connection in
        self?.connections[ObjectIdentifier(connection)] = nil
      })
    connections[ObjectIdentifier(connection)] = connection
  }

  func close() {
    isClosed = true
    writeNow()
    for connection in connections.values { connection.close() }
  }

  // MARK: - The log

  /// Begins a record and answers its number.
  func begin(_ record: (Int) -> CallRecord) -> Int {
    let number = firstRecord + records.count
    records.append(record(number))
    inFlight += 1
    if records.count > 2 * SimulationLimits.recordsMax {
      records.removeFirst(SimulationLimits.recordsMax)
      firstRecord += SimulationLimits.recordsMax
    }
    return number
  }

  func change(_ number: Int, _ body: (inout CallRecord) -> Void) {
    guard number >= firstRecord else { return }
    body(&records[number - firstRecord])
  }

  func end(_ number: Int) {
    inFlight -= 1
    let now = elapsed
    change(number) { $0.finished = now }
  }

  func reset() {
    script = FaultScript()
    cache = PromptCache()
    limiter = RateLimiter()
    limiter.limits = options.limits
    latency = options.latency
    batches = BatchShelf()
    clockOffset = 0
    // Calls under way still find their records.
    firstRecord += records.count
    records = []
  }

  // MARK: - The bill

  /// Whether a call can still be billed; one that cannot is refused, and never answered unbilled.
  var hasRoomForBill: Bool {
    bill.path != nil || billInMemory.count < SimulationLimits.billInMemoryBytesMax
  }

  /// Writes a line and calls `done` when it is where the durability wants it.
  func bill(_ line: BillLine, then done: @escaping () -> Void) {
    billCount += 1
    let number = billCount
    guard bill.path != nil else {
      billInMemory += line.bytes
      return done()
    }
    guard bill.waits else {
      writeSoon(line.bytes)
      return done()
    }
    billWaiting.append((number, done))
    guard let onBilled else { return }
    bill.append(line.bytes, number: number, isDone: onBilled)
  }

  /// Lines that wait for no disk share a write: within milliseconds, or when they are many.
  private func writeSoon(_ bytes: [UInt8]) {
    billUnwritten += bytes
    guard billUnwritten.count < SimulationLimits.billUnwrittenBytesMax else { return writeNow() }
    guard billTimer?.isArmed != true else { return }
    billTimer = loop.schedule(after: SimulationLimits.billWriteDelay) { [weak self] in
      self?.writeNow()
    }
  }

  private func writeNow() {
    guard !billUnwritten.isEmpty else { return }
    bill.write(billUnwritten)
    billUnwritten.removeAll(keepingCapacity: true)
  }

  func billed(upTo number: Int) {
    guard let end = billWaiting.lastIndex(where: { $0.number <= number }) else { return }
    let done = billWaiting[...end].map(\.done)
    billWaiting.removeFirst(end + 1)
    for tell in done { tell() }
  }

  /// Calls `done` with the bill, one line a call.
  func readBill(then done: @escaping ([UInt8]) -> Void) {
    guard bill.path != nil else { return done(BillLine.merged(billInMemory)) }
    writeNow()
    billCount += 1
    billReaders[billCount] = done
    readBill?(billCount)
  }

  func billWasRead(_ bytes: [UInt8], for ticket: Int) {
    billReaders.removeValue(forKey: ticket)?(bytes)
  }
}
