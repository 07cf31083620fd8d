import EventLoop
import Faults
import GatewayBudgets
import GatewayCatalog
import GatewayLedger
import GatewayPacing
package import GatewayPipeline
import GatewayProviders
import GatewayValues
import JSONText
package import LedgerFile
import Telemetry

/// A call that can wait, on its way through a batch.
final class GatheredCall {
  let request: CallRequest
  let name: CallName
  /// Milliseconds since 1970: when its answer is wanted at the latest.
  let deadline: Int64
  let flight: CallFlight
  /// Where it stands, once it is in a batch.
  var place: (batch: String, item: BatchItem)?
  private(set) var outcome: BatchOutcome?
  private var waiter: CheckedContinuation<BatchOutcome?, Never>?

  init(_ request: CallRequest, _ name: CallName, deadline: Int64) {
    self.request = request
    self.name = name
    self.deadline = deadline
    flight = CallFlight(hash: request.hash)
  }

  func tell(_ outcome: BatchOutcome?) {
    if let outcome { self.outcome = outcome }
    waiter?.resume(returning: outcome)
    waiter = nil
  }

  func wait(_ continuation: CheckedContinuation<BatchOutcome?, Never>) {
    waiter?.resume(returning: nil)
    waiter = continuation
  }
}

/// Which calls may share a batch.
struct GatheringKey: Hashable {
  let caller: Caller
  let way: BatchWay
  let dialect: Dialect
  let model: GatewayName
}

/// Calls that wait for others to share their batch.
struct Gathering {
  var calls: [(call: GatheredCall, read: BatchedCall)] = []
  var byteCount = 0
  var timer: LoopTimer?
}

/// Single calls whose deadline lets them wait for the cheaper way.
extension BatchRunner {
  /// Answers a call by its deadline: through a batch with others, or at once where that is no
  /// cheaper or comes too late. What a batch did not answer in time is asked for alone.
  ///
  /// Whoever waits may go; the call goes on, also in the next process once it is in a batch.
  package func answer(_ request: CallRequest, by deadline: Int64) async throws -> CallAnswer {
    guard let key = request.callKey, !isClosed,
      deadline > nowMilliseconds.addingClamped(pace.leadMilliseconds)
    else { return try await pipeline.answer(request) }
    let name = CallName(product: request.caller.product, key: key)
    let isSettled = try await ledger.call(name) != nil
    let rules = await pipeline.batchRules
    let mayGather = !isSettled && gathered[name] == nil
    let whole = mayGather && request.hasStoredMedia ? try await withMediaHere(request) : request
    // What is wrong with it is said by the way that all calls go.
    let read = try? BatchedCall(
      whole, rules.catalog, rules.prices, atMilliseconds: rules.nowMilliseconds)
    if let known = gathered[name] {
      guard known.request.hash == request.hash else { throw Self.keyReused(name) }
      return try await known.flight.answer(within: request.terms.patience, on: loop)
    }
    guard !isSettled, let read, read.isCheaper, hasRoom(for: read) else {
      return try await pipeline.answer(request)
    }
    let call = GatheredCall(request, name, deadline: deadline)
    gathered[name] = call
    gather(call, read)
    pursue(call)
    return try await call.flight.answer(within: request.terms.patience, on: loop)
  }

  /// A batch is one body, so what a call refers to goes into it as bytes; a call that is too large
  /// for that is asked alone. One call after another, so that only one's documents are on their way
  /// into memory, however many come at once.
  private func withMediaHere(_ request: CallRequest) async throws -> CallRequest {
    let (before, pipeline) = (lastReading, pipeline)
    let reading = Task(executorPreference: loop) {
      _ = await before?.result
      return try await pipeline.withMediaHere(request, bytesMax: BatchLimits.gatheredMediaBytesMax)
    }
    lastReading = reading
    // What was read is not kept for whoever comes next.
    defer { if lastReading == reading { lastReading = nil } }
    return try await reading.value
  }

  /// Whether a call is on its way through a batch.
  package func isGathered(_ name: CallName) -> Bool { gathered[name] != nil }

  private func hasRoom(for read: BatchedCall) -> Bool {
    read.body.count <= BatchLimits.gatheredBytesMax && gathered.count < BatchLimits.gatheredMax
      && requestsOpen < BatchLimits.requestsMax
  }

  private static func keyReused(_ name: CallName) -> Fault {
    Fault(
      .failedPrecondition, reason: "CALL_KEY_REUSED",
      "The call key \(name.key) is being used for another request.",
      hint: "Give each request a key of its own.", facts: ["call_key": name.key.text])
  }

  // MARK: - Gathering

  private func gather(_ call: GatheredCall, _ read: BatchedCall) {
    let key = GatheringKey(
      caller: call.request.caller, way: read.way, dialect: read.dialect,
      model: read.order.party.model)
    var group = gatherings[key] ?? Gathering()
    group.calls.append((call, read))
    group.byteCount += read.body.count
    if group.timer == nil {
      group.timer = loop.schedule(after: .milliseconds(pace.gatherMilliseconds)) { [weak self] in
        self?.assumeIsolated { $0.send(key) }
      }
    }
    gatherings[key] = group
    let isFull =
      group.calls.count >= BatchLimits.gatheringMax
      || group.byteCount >= BatchLimits.gatheringBytesMax
    if isFull { send(key) }
  }

  private func send(_ key: GatheringKey) {
    guard let group = gatherings.removeValue(forKey: key), !isClosed else { return }
    group.timer?.cancel()
    let names = group.calls.map(\.call.name)
    let reads = group.calls.map(\.read)
    Task(executorPreference: loop) { await self.make(names, reads, key) }
  }

  private func make(_ names: [CallName], _ reads: [BatchedCall], _ key: GatheringKey) async {
    do {
      var made = BatchContent(dialect: key.dialect, caller: key.caller, way: key.way)
      for (name, read) in zip(names, reads) {
        guard let call = gathered[name], call.outcome == nil else { continue }
        made.add(
          read, customID: name.key.text,
          call: BatchItem.Call(
            key: name.key, hash: read.hash, run: read.order.party.run,
            model: call.request.facts.model, deadline: call.deadline, body: read.body))
      }
      if !made.orders.isEmpty { _ = try await create(made) }
    } catch {
      logger.warning(
        "calls that could wait are made at once",
        [.product: .string(key.caller.product.text), .reason: .string("\(error)")])
      for name in names { gathered[name]?.tell(.errored) }
    }
  }

  // MARK: - One call, to its end

  private func pursue(_ call: GatheredCall) {
    let name = call.name
    Task(executorPreference: loop) { await self.answer(name) }
  }

  private func answer(_ name: CallName) async {
    guard let call = gathered[name] else { return }
    var outcome = await outcome(of: call, until: call.deadline - pace.leadMilliseconds)
    if outcome == nil, !isClosed { outcome = await hurry(call) }
    // What is under way goes on in the next process.
    if isClosed, outcome == nil { return end(call, .failure(Self.closing)) }
    let result: Result<CallAnswer, any Error>
    do {
      var answer = try await pipeline.answer(call.request)
      // It is told for the first time, though it was kept before.
      if outcome == .succeeded { answer.receipt.source = .miss }
      result = .success(answer)
    } catch {
      result = .failure(error)
    }
    if let place = call.place {
      try? await file.forgetCall(place.batch, place.item.number)
    }
    end(call, result)
  }

  private func end(_ call: GatheredCall, _ result: Result<CallAnswer, any Error>) {
    gathered[call.name] = nil
    call.flight.end(result)
  }

  private static let closing = Fault(
    .unavailable, reason: "SHUTTING_DOWN", "The gateway is being stopped; the call goes on.",
    retryAfter: .seconds(1))

  /// What became of a call in its batch; nil when the moment came first.
  private func outcome(of call: GatheredCall, until moment: Int64) async -> BatchOutcome? {
    if let outcome = call.outcome { return outcome }
    let wait = Duration.milliseconds(max(0, moment - nowMilliseconds))
    let name = call.name
    let timer = loop.schedule(after: wait) { [weak self] in
      self?.assumeIsolated { $0.gathered[name]?.tell(nil) }
    }
    defer { timer.cancel() }
    return await withCheckedContinuation { call.wait($0) }
  }

  /// Its batch is late: canceled, so that most of it costs nothing. Where even that takes too
  /// long, the request is given up at its bound, until its provider says what it came to.
  private func hurry(_ call: GatheredCall) async -> BatchOutcome? {
    // So that a batch that is only being gathered leaves without it.
    guard let place = call.place else {
      call.tell(.canceled)
      return .canceled
    }
    logger.warning("a batch is late: its calls are made alone", [.call: .string(place.batch)])
    try? await cancel(place.batch)
    let last = call.deadline - pace.leadMilliseconds / 2
    if let outcome = await outcome(of: call, until: last) { return outcome }
    guard !isClosed else { return nil }
    if let hold = holds.removeValue(forKey: place.item.attempt) {
      _ = try? await ledger.settle(hold, Settlement(.bound, .lost))
    }
    return .lost
  }

  // MARK: - From the last process

  /// Takes up calls that were in batches when the last process ended.
  func takeUp(_ record: BatchRecord) async throws {
    for item in try await file.calls(of: record.id) {
      guard let asked = item.call, let request = Self.request(asked, record) else { continue }
      let name = CallName(product: record.caller.product, key: asked.key)
      let call = GatheredCall(request, name, deadline: asked.deadline)
      call.place = (record.id, item)
      if item.outcome != .waiting { call.tell(item.outcome) }
      gathered[name] = call
      pursue(call)
    }
  }

  private static func request(_ asked: BatchItem.Call, _ record: BatchRecord) -> CallRequest? {
    guard
      let read = try? record.dialect.read(checking: asked.body, limits: BatchReading.limits)
    else { return nil }
    var facts = read.1
    facts.model = asked.model
    var terms = CallTerms()
    terms.priority = .batch
    var request = CallRequest(
      caller: record.caller, facts: facts, content: .passed(read.0), terms: terms,
      hash: asked.hash)
    request.dialect = record.dialect
    request.callKey = asked.key
    request.run = asked.run
    return request
  }
}

extension Int64 {
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }
}
