import Digest
import EventLoop
import Faults
import GatewayLimits
import GatewayPacing
import GatewayPipeline
import GatewayProviders
import GatewayValues
import HTTPServer
import JSON
import JSONText

/// One request at the door, from its body to its answer. Its task is the server's, which cancels
/// no handler that does not ask for it, and none here does.
struct DoorCall: Sendable {
  let door: HTTPDoor
  let caller: Caller
  let dialect: Dialect
  /// Whether its tokens are to be counted, and nothing asked.
  let isCount: Bool

  func run(_ head: HTTPRequestHead, _ body: [UInt8], _ responder: HTTPResponder) async {
    do {
      // A long body is read elsewhere: calls of others go on meanwhile.
      let request =
        body.count > DoorLimits.bodyOnLoopBytesMax
        ? try await door.reading.run { try self.request(head, body) } : try request(head, body)
      if isCount {
        try await count(request, responder)
      } else if request.facts.isStream {
        await stream(request, responder)
      } else {
        let answer = try await door.pipeline.answer(request, for: .stays)
        responder.respond(Self.response(answer))
      }
    } catch {
      responder.respond(errorAnswer(error))
    }
  }

  // MARK: - The request

  private func request(_ head: HTTPRequestHead, _ body: [UInt8]) throws -> CallRequest {
    let limits = JSONLimits(
      bytesMax: DoorLimits.bodyBytesMax, depthMax: DoorLimits.depthMax,
      valuesMax: DoorLimits.valuesMax)
    let (text, facts) = try dialect.read(checking: body, limits: limits)
    if dialect == .anthropicMessages, !isCount, facts.outputTokensMax == nil {
      throw RequestProblem(.missing, "max_tokens")
    }
    let terms = try self.terms(head)
    var passed: [(name: String, value: String)] = []
    for name in ["anthropic-version", "anthropic-beta"] where dialect.family == .anthropic {
      if let value = head.headers[name] { passed.append((name, value)) }
    }
    var request = CallRequest(
      caller: caller, facts: facts, content: .passed(text), terms: terms,
      hash: hash(text, terms.sample, passed))
    request.dialect = dialect
    let isSpoken = head.headers.hasName(beginningWith: "x-assay-")
    let ownKey = isSpoken ? head.headers["x-assay-call-key"] : nil
    if let key = ownKey ?? head.headers["idempotency-key"] {
      guard let key = CallKey(key) else { throw RequestProblem(.outOfRange, "x-assay-call-key") }
      request.callKey = key
    }
    if isSpoken, let run = head.headers["x-assay-run"] {
      guard let run = GatewayName(run) else { throw RequestProblem(.outOfRange, "x-assay-run") }
      request.run = run
    }
    request.passedHeaders = passed
    return request
  }

  /// How the call may be made, as its headers say.
  private func terms(_ head: HTTPRequestHead) throws(RequestProblem) -> CallTerms {
    var terms = CallTerms()
    guard head.headers.hasName(beginningWith: "x-assay-") else { return terms }
    func header<Value>(
      _ name: String, _ read: (String) -> Value?
    ) throws(RequestProblem) -> Value? {
      guard let text = head.headers[name] else { return nil }
      guard let value = read(text) else { throw RequestProblem(.outOfRange, name) }
      return value
    }
    let caches: [String: CallTerms.Cache] = [
      "normal": .normal, "refresh": .refresh, "bypass": .bypass,
    ]
    let priorities: [String: CallPriority] = ["interactive": .interactive, "batch": .batch]
    terms.cache = try header("x-assay-cache") { caches[$0] } ?? .normal
    terms.priority = try header("x-assay-priority") { priorities[$0] } ?? .interactive
    terms.sample = try header("x-assay-sample") { UInt32($0) } ?? 0
    terms.prefixReuses = try header("x-assay-prefix-reuses") { UInt32($0) } ?? 0
    terms.retriesMax = try header("x-assay-max-retries") { UInt8($0).map(Int.init) }
    terms.patience = try header("x-assay-timeout-ms") { UInt32($0) }.map { .milliseconds($0) }
    if try header("x-assay-failover", { $0 == "forbidden" ? true : nil }) ?? false {
      terms.failover = .forbidden
    }
    return terms
  }

  /// Over all that changes the answer, whatever way it is written.
  private func hash(
    _ text: JSONText, _ sample: UInt32, _ passed: [(name: String, value: String)]
  ) -> [UInt8] {
    var digest = SHA256()
    digest.update(field: dialect.rawValue)
    digest.update(field: String(sample))
    for field in passed {
      digest.update(field: field.name)
      digest.update(field: field.value)
    }
    text.feedCanonical(excluding: dialect.unansweredPaths) { digest.update($0) }
    return digest.finish()
  }

  // MARK: - Answers

  static func headers(_ receipt: CallReceipt, _ type: String, isWhole: Bool) -> HTTPResponseHeaders
  {
    var headers = HTTPResponseHeaders(room: 8)
    headers.append("content-type", type)
    headers.append("x-assay-call-id", receipt.callKey)
    headers.append("x-assay-cache", receipt.source.rawValue)
    headers.append("x-assay-provider", receipt.provider)
    if isWhole {
      headers.append("x-assay-attempts", String(receipt.attempts))
      headers.append("x-assay-cost-nanos", String(receipt.cost.count))
      headers.append("x-assay-cost", receipt.cost.description)
      headers.append("x-assay-cache-read-predicted", String(receipt.cacheReadPredicted))
    }
    if !receipt.providerRequestID.isEmpty {
      let name = receipt.dialect.family == .anthropic ? "request-id" : "x-request-id"
      headers.append(name, receipt.providerRequestID)
    }
    return headers
  }

  private static func response(_ answer: CallAnswer) -> HTTPResponse {
    HTTPResponse(
      200, headers(answer.receipt, "application/json", isWhole: true), body: answer.body)
  }

  private func count(_ request: CallRequest, _ responder: HTTPResponder) async throws {
    let tokens = try await door.pipeline.countTokens(request)
    responder.respond(
      .json(200, (["input_tokens": .number(Int(tokens.count))] as JSONValue).bytes()))
  }

  private func stream(_ request: CallRequest, _ responder: HTTPResponder) async {
    let sink = HTTPStreamSink(
      responder, wantsUsageChunk: dialect != .openAIChat || request.facts.wantsStreamUsage,
      loop: door.pipeline.loop)
    do {
      _ = try await door.pipeline.stream(request, into: sink, for: .stays)
      await sink.finish()
    } catch {
      // An error has its own event where the stream is open already, and a status before.
      let shape = ErrorShape(Self.fault(of: error), for: dialect.family)
      let event = shape.event(for: dialect, requestID: "")
      if await !sink.fail(event.name, event.data) { responder.respond(errorAnswer(error)) }
    }
  }

  // MARK: - Errors

  static func fault(of error: any Error) -> Fault {
    switch error {
    case let problem as RequestProblem:
      Fault(
        .invalidArgument, reason: "BAD_REQUEST", problem.message,
        violations: [.init(field: problem.field, description: problem.message)])
    case is CancellationError:
      Fault(.cancelled, reason: "CANCELLED", "The call was given up.")
    default: Fault(describing: error)
    }
  }

  private func errorAnswer(_ error: any Error) -> HTTPResponse {
    // The provider's own words, where it has said something to this caller's request.
    if let refusal = error as? ProviderRefusal, refusal.dialect == dialect,
      let answer = HTTPDoor.passed(refusal)
    {
      return answer
    }
    return HTTPDoor.refusal(Self.fault(of: error), dialect.family)
  }
}
