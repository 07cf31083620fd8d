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
  package func answer(_ request: CallRequest) async throws -> CallAnswer {
    let call = try prepared(request)
    let name = FlightName(product: request.caller.product.text, hash: request.hash)
    let keyed = request.callKey.map { CallName(product: request.caller.product, key: $0) }
    if let flight = try running(name, keyed, request) {
      var answer = try await flight.answer()
      if answer.receipt.source == .miss { answer.receipt.source = .joined }
      return answer
    }
    guard flights.count + flightsByKey.count < PipelineLimits.callsMax else { throw Self.busy }
    guard request.terms.cache == .normal || keyed != nil else {
      return try await Task(executorPreference: loop) {
        try await self.fly(call, flight: nil, keyed: nil, into: nil).get()
      }.value
    }
    let flight = CallFlight()
    let isJoinable = request.terms.cache == .normal
    if isJoinable { flights[name] = flight }
    if let keyed { flightsByKey[keyed] = flight }
    // Of nobody's task: it goes on when its caller has gone.
    Task(executorPreference: loop) {
      await self.fly(call, flight: isJoinable ? name : nil, keyed: keyed, into: nil)
    }
    return try await flight.answer()
  }

  /// The same as a stream. Throws before the sink is opened, or after; the sink knows which.
  package func stream(_ request: CallRequest, into sink: any StreamSink) async throws
    -> CallReceipt
  {
    let call = try prepared(request)
    let keyed = request.callKey.map { CallName(product: request.caller.product, key: $0) }
    if let keyed, let flight = flightsByKey[keyed] {
      let answer = try await flight.answer()
      return try await replay(answer, into: sink)
    }
    guard flights.count + flightsByKey.count < PipelineLimits.callsMax else { throw Self.busy }
    if let keyed { flightsByKey[keyed] = CallFlight() }
    let made = Task(executorPreference: loop) {
      try await self.fly(call, flight: nil, keyed: keyed, into: sink).get()
    }
    return try await made.value.receipt
  }

  /// Makes a call, and tells all who wait for it.
  @discardableResult
  private func fly(
    _ call: PreparedCall, flight name: FlightName?, keyed: CallName?, into sink: (any StreamSink)?
  ) async -> Result<CallAnswer, any Error> {
    let result: Result<CallAnswer, any Error>
    do {
      result = .success(try await make(call, into: sink))
    } catch {
      result = .failure(error)
    }
    let byHash = name.flatMap { flights.removeValue(forKey: $0) }
    let byKey = keyed.flatMap { flightsByKey.removeValue(forKey: $0) }
    byHash?.end(result)
    if byKey !== byHash { byKey?.end(result) }
    return result
  }

  private static var busy: Fault {
    Fault(
      .resourceExhausted, reason: "QUEUE_FULL", "The gateway has its limit of calls.",
      retryAfter: .seconds(1), facts: ["limit": "callsMax"])
  }

  private func prepared(_ request: CallRequest) throws(Fault) -> PreparedCall {
    if !catalog.products.isEmpty, catalog.product(request.caller.product.text) == nil {
      throw Fault(
        .permissionDenied, reason: "UNKNOWN_PRODUCT",
        "The gateway's file knows no product \(request.caller.product).",
        hint: "It knows: \(catalog.products.map(\.name).joined(separator: ", ")).")
    }
    return try PreparedCall(request, catalog, ledger.prices, atMilliseconds: wallMilliseconds)
  }

  /// A flight that will bring what this call asks for.
  private func running(
    _ name: FlightName, _ keyed: CallName?, _ request: CallRequest
  ) throws(Fault) -> CallFlight? {
    if let keyed, let flight = flightsByKey[keyed] { return flight }
    guard request.terms.cache == .normal, let flight = flights[name], !flight.isFull else {
      return nil
    }
    return flight
  }

  /// Every stage behind the joining of calls.
  private func make(_ call: PreparedCall, into sink: (any StreamSink)?) async throws -> CallAnswer {
    let request = call.request
    let ticket: CallTicket
    let opening = try await ledger.begin(
      request.caller.product, key: request.callKey, requestHash: request.hash)
    switch opening {
    case .opened(let opened): ticket = opened
    case .settled(let settled): return try await replayed(settled, call, into: sink)
    case .inFlight:
      throw Fault(
        .aborted, reason: "CALL_IN_FLIGHT", "A call under this key is being made.",
        retryAfter: .milliseconds(200))
    }
    if request.terms.cache == .normal,
      var known = await cache.answer(product: request.caller.product, hash: request.hash)
    {
      known.receipt.source = .hit
      known.receipt.callKey = ticket.name.key.text
      known.receipt.cost = .zero
      if let sink { _ = try await replay(known, into: sink) }
      return known
    }
    let answer = try await attempts(call, ticket, into: sink)
    if request.terms.cache != .bypass, answer.receipt.finish?.isWhole ?? false,
      !answer.body.isEmpty
    {
      cache.keep(answer, product: request.caller.product, hash: request.hash)
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
    _ settled: SettledCall, _ call: PreparedCall, into sink: (any StreamSink)?
  ) async throws -> CallAnswer {
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
    let answer = CallAnswer(body: reply, receipt: receipt)
    if let sink { _ = try await replay(answer, into: sink) }
    return answer
  }
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
