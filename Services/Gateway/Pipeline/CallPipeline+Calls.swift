import EventLoop
import Faults
import GatewayCatalog
import GatewayLedger
import GatewayLimits
import GatewayPacing
import GatewayProviders
import GatewayValues
import LedgerFile

extension CallPipeline {
  /// Makes a call, or finds its answer where it was made before.
  ///
  /// Once it has left, it goes on whoever waits: what a provider was asked is paid and kept.
  ///
  /// `asker` says whether the task that asks may be cancelled. One that never is flies itself,
  /// which saves a task of its own and the way from one to the other.
  package func answer(
    _ request: CallRequest, for asker: Asker = .mayGo
  ) async throws -> CallAnswer {
    let call = try prepared(request)
    if let flight = try running(request, isStream: false) {
      let answer = try await joined(flight, request)
      counts.joined(call)
      return answer
    }
    let isJoinable = request.terms.cache == .normal && request.isRepeatable
    let id = try takeOff(request, as: isJoinable ? request.flightName(isStream: false) : nil)
    if asker == .stays, request.terms.patience == nil {
      return try await fly(call, id, into: nil).get()
    }
    // Of nobody's task: it goes on when its caller has gone.
    Task(executorPreference: loop) { await self.fly(call, id, into: nil) }
    guard let flight = airborne[id] else { throw Self.busy }
    return try await flight.answer(within: request.terms.patience, on: loop, isOwn: true)
  }

  /// The same as a stream. Throws before the sink is opened, or after; the sink knows which.
  ///
  /// Who asks what another stream is being made for waits for the whole of that, and gets it as it
  /// was kept.
  package func stream(
    _ request: CallRequest, into sink: any StreamSink, for asker: Asker = .mayGo
  ) async throws -> CallReceipt {
    let call = try prepared(request)
    var isJoinable = request.terms.cache == .normal && request.isRepeatable
    if let flight = try running(request, isStream: true) {
      if let answer = try await followed(flight, request) {
        counts.joined(call)
        return try await replay(answer, into: sink)
      }
      // All who waited for it are told so at once; one after another would take them for ever.
      isJoinable = false
    }
    let id = try takeOff(request, as: isJoinable ? request.flightName(isStream: true) : nil)
    if asker == .stays { return try await fly(call, id, into: sink).get().receipt }
    let made = Task(executorPreference: loop) { try await self.fly(call, id, into: sink).get() }
    return try await made.value.receipt
  }

  /// The answer of a call that was made for another, which paid for it.
  private func joined(_ flight: CallFlight, _ request: CallRequest) async throws -> CallAnswer {
    var answer = try await flight.answer(within: request.terms.patience, on: loop)
    guard answer.receipt.source == .miss else { return answer }
    answer.receipt.source = .joined
    // Under its own key it is the same call, and its receipt says what that one has cost.
    if answer.receipt.callKey != request.callKey?.text { answer.receipt.cost = .zero }
    return answer
  }

  /// The whole of a stream that was made for another; nil where it is of use to that one only: it
  /// was too long to be kept, broke off when it had begun, or its caller went away.
  private func followed(
    _ flight: CallFlight, _ request: CallRequest
  ) async throws -> CallAnswer? {
    do {
      let answer = try await joined(flight, request)
      return answer.body.isEmpty ? nil : answer
    } catch let refusal as ProviderRefusal where refusal.concernsOneCaller {
      return nil
    }
  }

  /// A flight that will bring what this call asks for.
  private func running(_ request: CallRequest, isStream: Bool) throws(Fault) -> CallFlight? {
    if let keyed = request.callName, let flight = flightsByKey[keyed] {
      // The ledger says the same of a key that was settled before.
      guard flight.hash == request.hash else { throw Self.keyReused(keyed) }
      return flight
    }
    guard request.terms.cache == .normal,
      let flight = flights[request.flightName(isStream: isStream)], !flight.isFull
    else { return nil }
    return flight
  }

  private func takeOff(_ request: CallRequest, as name: FlightName?) throws(Fault) -> UInt64 {
    guard airborne.count < PipelineLimits.callsMax else { throw Self.busy }
    pace.came(isAlone: airborne.isEmpty, on: loop)
    lastFlightID += 1
    let flight = CallFlight(hash: request.hash)
    airborne[lastFlightID] = flight
    flight.name = name
    if let name { flights[name] = flight }
    if let keyed = request.callName { flightsByKey[keyed] = flight }
    return lastFlightID
  }

  /// Makes a call, and tells all who wait for it.
  @discardableResult
  private func fly(
    _ call: PreparedCall, _ id: UInt64, into sink: (any StreamSink)?
  ) async -> Result<CallAnswer, any Error> {
    let begun = now
    let result: Result<CallAnswer, any Error>
    do {
      result = .success(try await make(call, of: id, into: sink))
    } catch {
      result = .failure(error)
    }
    counts.ended(result, of: call, after: now - begun)
    let flight = airborne.removeValue(forKey: id)
    // Another may have taken its name since, when it had all the company that a flight takes.
    if let name = flight?.name, flights[name] === flight { flights[name] = nil }
    if let keyed = call.request.callName, flightsByKey[keyed] === flight {
      flightsByKey[keyed] = nil
    }
    flight?.end(result)
    pace.ended(isLast: airborne.isEmpty, on: loop)
    guard let sink, case .success(let answer) = result, answer.receipt.source != .miss else {
      return result
    }
    // Whether this caller is still there is nothing to those who waited with it.
    do {
      _ = try await replay(answer, into: sink)
      return result
    } catch {
      return .failure(error)
    }
  }

  private static func keyReused(_ name: CallName) -> Fault {
    Fault(
      .failedPrecondition, reason: "CALL_KEY_REUSED",
      "The call key \(name.key) is being used for another request.",
      hint: "Give each request a key of its own.", facts: ["call_key": name.key.text])
  }

  private static var busy: Fault {
    Fault(
      .resourceExhausted, reason: "QUEUE_FULL", "The gateway has its limit of calls.",
      retryAfter: .seconds(1), facts: ["limit": "callsMax"])
  }

  func prepared(_ request: CallRequest) throws(Fault) -> PreparedCall {
    try checkProduct(of: request.caller)
    return try PreparedCall(
      request, catalog, ledger.prices, atMilliseconds: wallMilliseconds,
      ways: { routeBook.ways(to: $0, in: $1, of: catalog) })
  }

  func checkProduct(of caller: Caller) throws(Fault) {
    let product = catalog.product(caller.product.text)
    guard product != nil || catalog.takesAnyProduct else {
      throw Fault(
        .permissionDenied, reason: "UNKNOWN_PRODUCT",
        "The gateway knows no product \(caller.product).",
        hint: "assay product ls tells which it knows.")
    }
    if product?.isClosed == true {
      throw Fault(
        .permissionDenied, reason: "PRODUCT_CLOSED",
        "The product \(caller.product) is closed: none of its calls is made.",
        hint: "assay product set \(caller.product) --open")
    }
  }

  /// Every stage behind the joining of calls.
  private func make(
    _ call: PreparedCall, of flight: UInt64, into sink: (any StreamSink)?
  ) async throws -> CallAnswer {
    let request = call.request
    let ticket: CallTicket
    let opening = try await ledger.begin(
      request.caller.product, key: request.callKey, requestHash: request.hash)
    switch opening {
    case .opened(let opened): ticket = opened
    case .settled(let settled): return try replayed(settled, call)
    case .inFlight:
      throw Fault(
        .aborted, reason: "CALL_IN_FLIGHT", "A call under this key is being made.",
        retryAfter: .milliseconds(200))
    }
    let mayBeKept = request.terms.cache != .bypass && request.isRepeatable
    let hash = mayBeKept ? call.cacheHash : []
    if mayBeKept, request.terms.cache == .normal,
      var known = await cache.answer(product: request.caller.product, hash: hash)
    {
      known.receipt.source = .hit
      known.receipt.callKey = ticket.name.key.text
      known.receipt.cost = .zero
      return known
    }
    let answer = try await attempts(call, ticket, of: flight, into: sink)
    if mayBeKept, answer.receipt.finish?.isWhole ?? false, answer.receipt.hasContent,
      !answer.body.isEmpty
    {
      cache.keep(answer, product: request.caller.product, hash: hash)
    }
    return answer
  }

  // MARK: - Answers of before

  private func replay(
    _ answer: CallAnswer, into sink: any StreamSink
  ) async throws -> CallReceipt {
    try await sink.open(answer.receipt)
    try await sink.write(answer.body)
    return answer.receipt
  }

  private func replayed(
    _ settled: SettledCall, _ call: PreparedCall
  ) throws -> CallAnswer {
    let line = settled.line
    guard let reply = settled.reply else {
      throw Fault(
        .failedPrecondition, reason: "REPLY_NOT_KEPT",
        "The call \(line.callKey) was settled, and its answer is no longer kept.",
        hint: "Ask again under another key: it will be paid again.")
    }
    var receipt = CallReceipt()
    receipt.callKey = line.callKey
    receipt.provider = line.order.provider.text
    let route = call.routes.first { $0.provider.name == receipt.provider } ?? call.routes[0]
    receipt.dialect = route.dialect
    receipt.schemaWay = route.provider.schemaWay
    receipt.providerRequestID = line.providerRequestID
    receipt.model = line.answeredModel
    receipt.usage = line.usage
    receipt.standing = line.standing ?? .exact
    receipt.cost = line.cost
    receipt.priceVersion = line.priceVersion
    receipt.source = .replay
    receipt.finish = receipt.dialect.readKept(reply)?.facts.finish
    return CallAnswer(body: reply, receipt: receipt)
  }
}

/// Whether whoever asks may be gone before the answer is there.
package enum Asker: Sendable {
  /// Its task may be cancelled.
  case mayGo
  /// Its task is cancelled by nobody.
  case stays
}

/// Where the bytes of a stream go: to a caller who may go away.
package protocol StreamSink: Sendable {
  /// The provider has begun to answer.
  func open(_ receipt: CallReceipt) async throws
  /// Waits while the caller has more than it takes; throws when it has gone.
  func write(_ bytes: [UInt8]) async throws
  /// Whether the caller asked for the chunk that tells the usage.
  var wantsUsageChunk: Bool { get }
}

extension CallRequest {
  fileprivate var callName: CallName? {
    callKey.map { CallName(product: caller.product, key: $0) }
  }

  fileprivate func flightName(isStream: Bool) -> FlightName {
    FlightName(product: caller.product.text, hash: hash, isStream: isStream)
  }
}
