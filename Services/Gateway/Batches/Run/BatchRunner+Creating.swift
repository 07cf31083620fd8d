import Failpoints
import Faults
import GatewayBudgets
import GatewayCatalog
import GatewayLedger
package import GatewayPipeline
package import GatewayProviders
import GatewayValues
import JSON
import LedgerFile

/// A batch as a door hands it in.
package struct BatchOrder: Sendable {
  package var caller: Caller
  package var dialect: Dialect
  package var reading: BatchReading
  package var metadata: [UInt8] = []
  package var inputFile = ""
  package var headers: [BatchRecord.HeaderLine] = []

  package init(caller: Caller, dialect: Dialect, reading: BatchReading) {
    self.caller = caller
    self.dialect = dialect
    self.reading = reading
  }
}

extension BatchRunner {
  /// Batches that are read at once: each is in memory twice while it is.
  private static let creationsMax = 4

  /// Reads a batch, holds the money of every request or of none, writes it down and sends it.
  ///
  /// Throws what the provider says when it refuses the batch as a whole. When nobody knows whether
  /// it has arrived, it is under way: it is looked for, and sent again if it is not there.
  package func create(_ order: BatchOrder) async throws -> BatchRecord {
    guard creations < Self.creationsMax else { throw Self.busy("creationsMax") }
    creations += 1
    defer { creations -= 1 }
    try await pipeline.checkIsKnown(order.caller)
    guard requestsOpen + order.reading.requests.count <= BatchLimits.requestsMax else {
      throw Self.busy("requestsMax")
    }
    requestsComing += order.reading.requests.count
    var isComing = true
    defer { if isComing { requestsComing -= order.reading.requests.count } }
    guard try await file.count(of: order.caller.product) < BatchLimits.batchesMax else {
      throw Self.busy("batchesMax")
    }
    let prefix = order.dialect == .anthropicMessages ? "msgbatch_" : "batch_"
    let id = BatchRecord.newID(prefix, using: &random)
    let rules = await pipeline.batchRules
    let read = try await Self.read(order, id, rules.catalog, rules.prices, rules.nowMilliseconds)
    let held = try await hold(read.orders, read.hashes, order.caller, id)
    var record = BatchRecord(
      id: id, caller: order.caller, dialect: order.dialect, way: read.way,
      requests: read.orders.count, created: nowMilliseconds)
    record.metadata = order.metadata
    record.inputFile = order.inputFile
    record.headers = order.headers
    let items = zip(order.reading.requests, held).enumerated().map { index, pair in
      BatchItem(number: index, customID: pair.0.customID, attempt: pair.1.id.number)
    }
    Failpoint.pass("batches.create.before-write")
    try await file.add(record, items, body: read.body)
    try await markSent(held, items, of: id)
    Failpoint.pass("batches.create.before-send")
    began(record)
    isComing = false
    requestsComing -= order.reading.requests.count
    defer { rested(id) }
    try await send(id, body: read.body)
    if open[id]?.record.machine.stage == .closing, open[id]?.record.machine.rest == .errored,
      let refusal = refusals.removeValue(forKey: id)
    {
      try await free(items)
      try await file.drop(id)
      left(id)
      throw refusal
    }
    return open[id]?.record ?? record
  }

  private static func busy(_ limit: String) -> Fault {
    Fault(
      .resourceExhausted, reason: "QUEUE_FULL",
      "The gateway has its limit of batches under way (\(limit)).", retryAfter: .seconds(30),
      hint: "Ask again when one has ended, or make a smaller one.", facts: ["limit": limit])
  }

  // MARK: - Reading

  private struct Read: Sendable {
    var orders: [AttemptOrder] = []
    var hashes: [[UInt8]] = []
    var way: BatchWay
    var body: [UInt8] = []
  }

  /// Off the loop: there may be megabytes to look at.
  @concurrent
  private static func read(
    _ order: BatchOrder, _ id: String, _ catalog: Catalog, _ prices: PriceTable, _ now: Int64
  ) async throws -> Read {
    var read: Read?
    var body = BatchBody(order.dialect)
    for (number, request) in order.reading.requests.enumerated() {
      let call: BatchedCall
      do {
        call = try BatchedCall(
          request.body, of: order.caller, in: order.dialect, way: read?.way, catalog, prices,
          limits: BatchReading.limits, atMilliseconds: now)
      } catch let problem as RequestProblem {
        throw BatchReading.bad(request.place, "\(request.place): \(problem.message)")
      } catch var fault as Fault {
        fault.message = "\(request.place): \(fault.message)"
        throw fault
      }
      var sum = read ?? Read(way: call.way)
      sum.orders.append(call.order)
      sum.hashes.append(call.hash)
      body.add("\(id)-\(number)", call.body)
      read = sum
    }
    guard var read else { throw BatchReading.bad("requests", "requests: field required.") }
    read.body = body.bytes()
    guard read.body.count <= BatchLimits.bytesMax + BatchLimits.requestsMax * 128 else {
      throw BatchReading.bad("requests", "requests: too large.")
    }
    return read
  }

  // MARK: - Money

  /// All of it or nothing: a hold that is let go is void, as nothing was sent.
  private func hold(
    _ orders: [AttemptOrder], _ hashes: [[UInt8]], _ caller: Caller, _ id: String
  ) async throws -> [AttemptHold] {
    // So that the common refusal writes no line at all.
    if let refusal = try ledger.refusal(of: orders) { throw refusal.fault }
    var held: [AttemptHold] = []
    held.reserveCapacity(orders.count)
    for (number, order) in orders.enumerated() {
      guard let key = CallKey("\(id)-\(number)"),
        case .opened(let ticket) = try await ledger.begin(
          caller.product, key: key, requestHash: hashes[number])
      else { throw Fault(.internal, reason: "BATCH_KEY_USED", "A batch's id is not new.") }
      switch try await ledger.reserve(order, for: ticket) {
      case .held(let hold): held.append(hold)
      case .refused(let refusal): throw refusal.fault
      }
    }
    return held
  }

  /// From here on every request may cost money, and does so in the ledger whatever happens.
  private func markSent(_ held: [AttemptHold], _ items: [BatchItem], of id: String) async throws {
    do {
      for hold in held {
        try ledger.sent(hold)
        holds[hold.id.number] = hold
      }
    } catch {
      try? await free(items.filter { holds[$0.attempt] != nil })
      try? await file.drop(id)
      throw error
    }
  }

  /// Nothing was paid for these.
  func free(_ items: [BatchItem]) async throws {
    try await settle(items.map { ($0, nil) }, because: "it never left")
  }
}
