import Blobs
import Faults
import GatewayCatalog
import GatewayLedger
import GatewayLimits
import GatewayMedia
import GatewayPacing
import GatewayProviders
import GatewayValues
import HTTPClient
import JSONText
import LedgerFile
import ServerSentEvents

extension CallPipeline {
  /// Sends an attempt and reads what comes back, to its end.
  func exchange(
    _ call: PreparedCall, _ leg: AttemptLeg, _ ticket: CallTicket, into sink: (any StreamSink)?
  ) async -> ExchangeEnd {
    let outgoing: OutgoingCall
    do throws(ProviderFailure) {
      outgoing = try self.outgoing(call, leg, ticket, isStream: sink != nil)
    } catch {
      return .unsent(error)
    }
    let response: HTTPClientResponse
    pace.asks(isAlone: airborne.count == 1, on: loop)
    do {
      response = try await outgoing.send()
      pace.answered(on: loop)
    } catch {
      pace.answered(on: loop)
      return await .lost(error, of: outgoing)
    }
    return await read(response, call, leg, ticket, into: sink)
  }

  /// What an attempt sends, and where to.
  func outgoing(
    _ call: PreparedCall, _ leg: AttemptLeg, _ ticket: CallTicket, isStream: Bool
  ) throws(ProviderFailure) -> OutgoingCall {
    let route = leg.route
    guard let endpoint = upstreams.endpoint(route) else { throw ProviderFailure(.unreachable) }
    do {
      var request = HTTPClientRequest(
        .post, route.dialect.path,
        headers: upstreams.headers(
          route, callKey: ticket.name.key.text, attempt: leg.attempt.number,
          passed: call.request.passedHeaders),
        body: try call.body(
          for: route, isStream: isStream, prompt: leg.attempt.prompt, stored: leg.attempt.stored))
      request.responseBodyBytesMax = ProviderLimits.replyBytesMax
      return OutgoingCall(endpoint: endpoint, request: request)
    } catch {
      throw ProviderFailure(.invalidRequest, message: "\(error)")
    }
  }

  /// Reads an answer whose head has come, to its end.
  func read(
    _ response: HTTPClientResponse, _ call: PreparedCall, _ leg: AttemptLeg, _ ticket: CallTicket,
    into sink: (any StreamSink)?
  ) async -> ExchangeEnd {
    let route = leg.route
    let headers = LimitHeaders(
      response.headers, family: route.dialect.family, nowMilliseconds: wallMilliseconds)
    _ = desk.answered(leg.seat, headers: ProviderHeaders(headers), at: now)
    var end: ExchangeEnd
    if response.status != 200 {
      end = await refused(response, route)
    } else if let sink {
      end = await streamed(response, call, route, ticket, leg.attempt, into: sink)
    } else {
      end = await answered(response, call, route)
    }
    end.headers = headers
    let id = response.headers["request-id"] ?? response.headers["x-request-id"] ?? ""
    end.settlement?.providerRequestID = id.cut(toBytes: LedgerLimits.foreignTextBytesMax)
    return end
  }

  /// An error of the provider's, which it charges nothing for.
  private func refused(_ response: HTTPClientResponse, _ route: ModelRoute) async -> ExchangeEnd {
    let body = (try? await response.body.collect(max: ProviderLimits.errorBytesMax)) ?? []
    let failure = ProviderFailure(
      status: response.status, headers: response.headers, body: body, family: route.dialect.family,
      nowMilliseconds: wallMilliseconds)
    return ExchangeEnd(
      result: .failed(failure, body: body), settlement: nil, outcome: CallOutcome(failure))
  }

  private func answered(
    _ response: HTTPClientResponse, _ call: PreparedCall, _ route: ModelRoute
  ) async -> ExchangeEnd {
    let body: [UInt8]
    do {
      body = try await response.body.collect(max: ProviderLimits.replyBytesMax)
    } catch {
      return .lost(error)
    }
    guard let text = try? JSONText(checking: body), let facts = route.dialect.readReply(text) else {
      // It answered with a 200, so that it may well charge for it.
      return .broken(ProviderFailure(.garbage, status: 200), call, ReplyFacts())
    }
    // Our own callers want an answer; whoever passes bytes through sees what came.
    if case .written = call.request.content, !facts.hasContent, facts.finish == .stop {
      return .broken(ProviderFailure(.empty, status: 200), call, facts)
    }
    return .answered(body, facts, call)
  }

  private func streamed(
    _ response: HTTPClientResponse, _ call: PreparedCall, _ route: ModelRoute,
    _ ticket: CallTicket, _ attempt: Attempt, into sink: any StreamSink
  ) async -> ExchangeEnd {
    var pass = StreamPass(route, call, ticket, attempt, wantsUsageChunk: sink.wantsUsageChunk)
    var chunks = response.body.makeAsyncIterator()
    let drain = PipelineLimits.drainTimeMax
    do {
      while let chunk = try await chunks.next() {
        let bytes = try pass.take(chunk)
        if !pass.isHeard {
          pass.isHeard = true
          promptAnswerBegan(attempt.prompt, pass.usage)
        }
        if !bytes.isEmpty, !pass.isCallerGone {
          do {
            if !pass.hasBegun { try await sink.open(pass.receipt) }
            pass.hasBegun = true
            try await sink.write(bytes)
          } catch {
            pass.isCallerGone = true
            pass.drainUntil = now + drain
          }
        }
        if pass.failure != nil || pass.hasDrained(at: now) { break }
      }
    } catch let error as HTTPClientError {
      pass.fail(error.code.cause)
    } catch {
      pass.fail(.garbage)
    }
    return pass.end()
  }
}

/// What an attempt sends, and where to.
struct OutgoingCall: Sendable {
  let endpoint: HTTPEndpoint
  let request: HTTPClientRequest

  func send() async throws(HTTPClientError) -> HTTPClientResponse {
    try await endpoint.send(request)
  }
}

/// A stream on its way through: what was passed on, what it added up to.
struct StreamPass {
  private let call: PreparedCall
  private var reader = SSEReader()
  private var reading: StreamReading
  private(set) var failure: ProviderFailure?
  private(set) var receipt = CallReceipt()
  private var kept: [UInt8] = []
  private var isKept = true
  private var drained = 0
  var hasBegun = false
  /// Whether the first bytes have been told to those who wait for them.
  var isHeard = false
  var isCallerGone = false
  var drainUntil: MonotonicInstant?

  init(
    _ route: ModelRoute, _ call: PreparedCall, _ ticket: CallTicket,
    _ attempt: CallPipeline.Attempt, wantsUsageChunk: Bool
  ) {
    self.call = call
    reading = StreamReading(route.dialect, passesUsageChunk: wantsUsageChunk)
    receipt.callKey = ticket.name.key.text
    receipt.attempts = attempt.number
    receipt.dialect = route.dialect
    receipt.provider = route.provider.name
    receipt.schemaWay = route.provider.schemaWay
  }

  /// The bytes of a chunk that go to the caller.
  mutating func take(_ chunk: [UInt8]) throws(SSEError) -> [UInt8] {
    if isCallerGone { drained += chunk.count }
    var passed: [UInt8] = []
    passed.reserveCapacity(chunk.count)
    for event in try reader.feed(chunk) {
      guard event.hasData else {
        passed += event.raw
        continue
      }
      switch reading.take(name: event.type, data: event.data ?? []) {
      case .pass: passed += event.raw
      case .hold: break
      case .garbage: fail(.garbage)
      case .failed: failure = reading.failure ?? ProviderFailure(.brokenStream)
      }
      if failure != nil { break }
    }
    if isKept {
      isKept = kept.count + passed.count <= PipelineLimits.keptStreamBytesMax
      kept = isKept ? kept + passed : []
    }
    return passed
  }

  /// As far as it is told by now.
  var usage: GatewayValues.TokenUsage? { reading.facts.usage }

  mutating func fail(_ cause: FailureCause) {
    // A stream that has said that it ended has ended, whatever its connection does after it.
    if !reading.hasEnded { failure = failure ?? ProviderFailure(cause) }
  }

  func hasDrained(at now: MonotonicInstant) -> Bool {
    drained > PipelineLimits.drainBytesMax || drainUntil.map { $0 <= now } ?? false
  }

  func end() -> ExchangeEnd {
    var end: ExchangeEnd
    if failure == nil, reading.hasEnded {
      end = .answered(isKept ? kept : [], reading.facts, call)
    } else {
      end = .broken(failure ?? ProviderFailure(.brokenStream), call, reading.facts)
      if isCallerGone, failure == nil { end.outcome = .abandoned }
    }
    end.hasBegun = hasBegun
    return end
  }
}

extension ExchangeEnd {
  /// Nothing has left.
  static func unsent(_ failure: ProviderFailure) -> ExchangeEnd {
    ExchangeEnd(result: .failed(failure, body: []), settlement: nil, outcome: CallOutcome(failure))
  }

  /// The connection ended without an answer.
  static func lost(_ error: HTTPClientError) -> ExchangeEnd {
    let failure = ProviderFailure(error.code.cause, message: error.description)
    // What reached the provider may have been answered there, and charged.
    let settlement =
      error.wasSent
      ? LedgerFile.Settlement(.bound, error.code.cause == .timedOut ? .timedOut : .failed) : nil
    return ExchangeEnd(
      result: .failed(failure, body: []), settlement: settlement, outcome: CallOutcome(failure))
  }

  /// The same, with what broke of a document that was on its way.
  static func lost(_ error: HTTPClientError, of outgoing: OutgoingCall) async -> ExchangeEnd {
    var end = lost(error)
    if case .source(let source) = outgoing.request.body {
      end.mediaFailure = await (source as? MediaBody)?.failure
    }
    return end
  }

  static func answered(_ body: [UInt8], _ facts: ReplyFacts, _ call: PreparedCall) -> ExchangeEnd {
    let outcome: AttemptOutcome =
      switch facts.finish {
      case .length: .truncated
      case .refusal: .declined
      default: .answered
      }
    var settlement = LedgerFile.Settlement(amount(facts, call), outcome)
    settlement.answeredModel = facts.model.cut(toBytes: LedgerLimits.foreignTextBytesMax)
    settlement.endsCall = true
    if call.request.callKey != nil { settlement.reply = body }
    return ExchangeEnd(
      result: .answered(body: body, facts), settlement: settlement, outcome: .succeeded)
  }

  /// An answer that cannot be used; whatever of it came is paid.
  static func broken(
    _ failure: ProviderFailure, _ call: PreparedCall, _ facts: ReplyFacts
  ) -> ExchangeEnd {
    var settlement = LedgerFile.Settlement(
      facts.usage == nil ? .bound : .estimated(seen(facts, call)), .aborted)
    settlement.answeredModel = facts.model.cut(toBytes: LedgerLimits.foreignTextBytesMax)
    return ExchangeEnd(
      result: .failed(failure, body: []), settlement: settlement, outcome: CallOutcome(failure))
  }

  private static func amount(
    _ facts: ReplyFacts, _ call: PreparedCall
  ) -> LedgerFile.Settlement.Amount {
    if let usage = facts.usage { return .used(usage) }
    return facts.isUsageAbsurd ? .bound : .estimated(seen(facts, call))
  }

  /// What was told of the input, or its bound; and no fewer tokens of output than can have come,
  /// as none has less than a byte.
  private static func seen(_ facts: ReplyFacts, _ call: PreparedCall) -> GatewayValues.TokenUsage {
    var usage =
      facts.usage ?? GatewayValues.TokenUsage(freshInput: call.bound.inputTokensMax)
    let came = min(Int64(facts.contentBytes), call.bound.outputTokensMax)
    usage.output = max(usage.output, came)
    return usage
  }
}

extension CallOutcome {
  init(_ failure: ProviderFailure) {
    switch failure.cause {
    case .rateLimited, .rampedTooFast: self = .rateLimited(retryAfter: failure.retryAfter)
    case .overloaded: self = .overloaded(retryAfter: failure.retryAfter)
    case .serverError, .conflict, .brokenStream, .garbage, .empty, .unreachable, .timedOut:
      self = .broken
    case .quotaExhausted: self = .quotaExhausted(until: nil)
    case .keyRejected: self = .unauthorized
    case .invalidRequest, .requestTooLarge, .contextTooLong, .unknownModel: self = .rejected
    }
  }
}

extension HTTPClientError.Code {
  /// What a broken exchange means for whoever may ask again.
  var cause: FailureCause {
    switch self {
    case .headTimeout, .stallTimeout, .totalTimeout, .connectTimeout: .timedOut
    case .reset, .closedEarly: .brokenStream
    case .protocolViolation, .headTooLarge, .bodyTooLarge: .garbage
    case .requestRefused, .sourceFailed, .bodyAlreadyRead: .invalidRequest
    default: .unreachable
    }
  }
}
