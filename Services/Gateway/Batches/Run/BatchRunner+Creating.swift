import EventLoop
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
    let rules = await pipeline.batchRules
    let content = try await reading.run {
      try Self.read(order, rules.catalog, rules.prices, rules.nowMilliseconds)
    }
    return try await create(content)
  }

  func create(_ given: BatchContent) async throws -> BatchRecord {
    let count = given.orders.count
    guard requestsOpen + count <= BatchLimits.requestsMax else { throw Self.busy("requestsMax") }
    requestsComing += count
    var isComing = true
    defer { if isComing { requestsComing -= count } }
    guard try await file.count(of: given.caller.product) < BatchLimits.batchesMax else {
      throw Self.busy("batchesMax")
    }
    let prefix = given.dialect == .anthropicMessages ? "msgbatch_" : "batch_"
    let id = BatchRecord.newID(prefix, using: &random)
    let (content, body) = try await reading.run {
      var content = given
      let body = content.takeBody(of: id)
      return (content, body)
    }
    let held = try await hold(content, id)
    let record = record(of: content, id)
    let items = held.enumerated().map { number, hold in
      var item = BatchItem(
        number: number, customID: content.customIDs[number], attempt: hold.id.number)
      item.call = content.calls[number]
      return item
    }
    Failpoint.pass("batches.create.before-write")
    try await file.add(record, items, body: body)
    try await markSent(held, items, of: id)
    Failpoint.pass("batches.create.before-send")
    began(record)
    place(items, in: record)
    isComing = false
    requestsComing -= count
    defer { rested(id) }
    do {
      try await send(id, body: body)
    } catch {
      // It is under way all the same, and its caller has to know by which name.
      stumbled(id, error)
    }
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

  private func record(of content: BatchContent, _ id: String) -> BatchRecord {
    var record = BatchRecord(
      id: id, caller: content.caller, dialect: content.dialect, way: content.way,
      requests: content.orders.count, created: nowMilliseconds)
    record.metadata = content.metadata
    record.inputFile = content.inputFile
    record.headers = content.headers
    record.isGathered = content.isGathered
    return record
  }

  /// Tells calls of ours where they stand.
  private func place(_ items: [BatchItem], in record: BatchRecord) {
    for item in items {
      guard let call = item.call else { continue }
      let name = CallName(product: record.caller.product, key: call.key)
      gathered[name]?.place = (record.id, item)
    }
  }

  private static func busy(_ limit: String) -> Fault {
    Fault(
      .resourceExhausted, reason: "QUEUE_FULL",
      "The gateway has its limit of batches under way (\(limit)).", retryAfter: .seconds(30),
      hint: "Ask again when one has ended, or make a smaller one.", facts: ["limit": limit])
  }

  // MARK: - Reading

  private static func read(
    _ order: BatchOrder, _ catalog: Catalog, _ prices: PriceTable, _ now: Int64
  ) throws -> BatchContent {
    var content: BatchContent?
    var byteCount = 0
    for request in order.reading.requests {
      let read: BatchedCall
      do {
        read = try BatchedCall(
          request.body, of: order.caller, in: order.dialect, way: content?.way, catalog, prices,
          limits: BatchReading.limits, atMilliseconds: now)
      } catch let problem as RequestProblem {
        throw BatchReading.bad(request.place, "\(request.place): \(problem.message)")
      } catch var fault as Fault {
        fault.message = "\(request.place): \(fault.message)"
        throw fault
      }
      if content == nil {
        content = BatchContent(dialect: order.dialect, caller: order.caller, way: read.way)
      }
      content?.add(read, customID: request.customID)
      byteCount += read.body.count
    }
    guard var content, byteCount <= BatchLimits.bytesMax else {
      throw BatchReading.bad("requests", "requests: none, or too large (bytesMax).")
    }
    content.metadata = order.metadata
    content.inputFile = order.inputFile
    content.headers = order.headers
    return content
  }

  // MARK: - Money

  /// All of it or nothing: a hold that is let go is void, as nothing was sent.
  private func hold(_ content: BatchContent, _ id: String) async throws -> [AttemptHold] {
    // So that the common refusal writes no line at all.
    if let refusal = try ledger.refusal(of: content.orders) { throw refusal.fault }
    var held: [AttemptHold] = []
    held.reserveCapacity(content.orders.count)
    for (number, order) in content.orders.enumerated() {
      guard let key = content.calls[number]?.key ?? CallKey(BatchRecord.key(id, number)),
        case .opened(let ticket) = try await ledger.begin(
          content.caller.product, key: key, requestHash: content.hashes[number])
      else { throw Fault(.aborted, reason: "CALL_IN_FLIGHT", "A call is being made already.") }
      switch try await ledger.reserve(order, for: ticket) {
      case .held(let hold): held.append(hold)
      case .refused(let refusal): throw refusal.fault
      }
      await Self.letOthers(number)
    }
    return held
  }

  /// Thousands of requests in one go would hold the loop for as long as 76 ms.
  private static func letOthers(_ number: Int) async {
    if number % BatchLimits.groupMax == BatchLimits.groupMax - 1 { await Task.yield() }
  }

  /// From here on every request may cost money, and does so in the ledger whatever happens.
  private func markSent(_ held: [AttemptHold], _ items: [BatchItem], of id: String) async throws {
    do {
      for (number, hold) in held.enumerated() {
        try ledger.sent(hold)
        holds[hold.id.number] = hold
        await Self.letOthers(number)
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
