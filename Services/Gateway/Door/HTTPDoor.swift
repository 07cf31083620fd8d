// GatewayDoor: HTTP for products that already speak to a provider: a base URL and a key are all
// that changes for them. It knows who asks by the key, reads what is asked without changing it,
// answers with the provider's own bytes, and says errors in the words of the caller's dialect. It
// decides nothing about limits or money. Limits: `DoorLimits`, `HTTPServerLimits`.

import EventLoop
import Faults
package import GatewayBatches
import GatewayCatalog
package import GatewayPipeline
import GatewayProviders
import GatewayValues
package import HTTPServer
import JSON
package import Telemetry

/// Named limits of the door.
package enum DoorLimits {
  /// As large as the largest that a provider takes.
  package static let bodyBytesMax = 32 << 20
  /// Values in a request: what a tape of them may need.
  package static let valuesMax = 200_000
  package static let depthMax = 64
  /// A longer body is checked and hashed on a thread of its own: 10 MB take some 40 ms.
  package static let bodyOnLoopBytesMax = 64 << 10
  /// Of a request that makes no call, and of what stands around a file in a form.
  package static let formBytesMax = 64 << 10
}

/// Routes requests to the pipeline, and its answers back.
package struct HTTPDoor: Sendable {
  let pipeline: CallPipeline
  let batches: BatchRunner
  let directory: DoorDirectory
  let metrics: Metrics
  /// One thread: what is long leaves the other processors to what is short.
  let reading = BlockingPool(name: "door-reader", threadsMax: 1, queueMax: 16_384)

  package init(
    pipeline: CallPipeline, batches: BatchRunner, directory: DoorDirectory, metrics: Metrics
  ) {
    self.pipeline = pipeline
    self.batches = batches
    self.directory = directory
    self.metrics = metrics
  }

  /// Decided on the head: who is not known sends no body.
  package func route(_ head: HTTPRequestHead) -> HTTPRoute {
    let path = head.path
    switch path {
    case "/healthz":
      return .refuse(HTTPResponse(200, ["content-type": "text/plain"], body: Array("ok\n".utf8)))
    case "/metrics": return .refuse(metricsAnswer())
    default: break
    }
    let shape = Self.family(of: head, path: path)
    guard let caller = directory.callers.caller(of: head) else {
      return .refuse(Self.refusal(Self.unknownKey, shape))
    }
    let isCount = path == "/v1/messages/count_tokens"
    let dialect =
      isCount ? .anthropicMessages : Dialect.allCases.first(where: { $0.path == path })
    guard let dialect else { return otherRoute(head, path, shape, caller) }
    guard head.method == .post else { return .refuse(Self.refusal(Self.wrongMethod, shape)) }
    if let length = head.contentLength, length > DoorLimits.bodyBytesMax {
      return .refuse(Self.refusal(Self.tooLarge, shape))
    }
    let door = DoorCall(door: self, caller: caller, dialect: dialect, isCount: isCount)
    return .handle(bodyBytesMax: DoorLimits.bodyBytesMax) { head, body, responder in
      await door.run(head, body, responder)
    }
  }

  /// What makes no call.
  private func otherRoute(
    _ head: HTTPRequestHead, _ path: String, _ shape: ProviderFamily, _ caller: Caller
  ) -> HTTPRoute {
    if path == "/v1/models" || path.hasPrefix("/v1/models/") {
      guard head.method == .get else { return .refuse(Self.refusal(Self.wrongMethod, shape)) }
      return .refuse(ModelList(directory.catalog, caller, shape).answer(path, shape))
    }
    if let asked = BatchPath(path), asked.family == shape {
      return batchRoute(head, asked, caller)
    }
    return .refuse(Self.refusal(Self.unknownPath(path), shape))
  }

  private func batchRoute(
    _ head: HTTPRequestHead, _ path: BatchPath, _ caller: Caller
  ) -> HTTPRoute {
    guard path.methods.contains(head.method) else {
      return .refuse(Self.refusal(Self.wrongMethod, path.family))
    }
    // Only what makes a batch is large; a form has a little around its file.
    let isUpload = head.method == .post && (path == .messageBatches || path == .files)
    let most = isUpload ? BatchLimits.bytesMax + DoorLimits.formBytesMax : DoorLimits.formBytesMax
    if let length = head.contentLength, length > most {
      return .refuse(Self.refusal(Self.tooLarge, path.family))
    }
    let call = BatchDoorCall(door: self, runner: batches, caller: caller, path: path)
    return .handle(bodyBytesMax: most) { head, body, responder in
      await call.run(head, body, responder)
    }
  }

  /// What the server itself refuses, in the caller's words.
  package static func errorBody(
    _ refusal: HTTPRefusal, _ head: HTTPRequestHead?
  ) -> HTTPResponse {
    let code: Fault.Code = refusal.status == 503 ? .resourceExhausted : .invalidArgument
    let fault =
      refusal == .bodyTooLarge
      ? tooLarge : Fault(code, reason: "BAD_REQUEST", refusal.message)
    var answer = Self.refusal(fault, head.map { family(of: $0, path: $0.path) } ?? .openAI)
    answer.status = refusal.status
    return answer
  }

  // MARK: - Errors

  func errorAnswer(_ error: any Error, _ family: ProviderFamily) -> HTTPResponse {
    if let refusal = error as? ProviderRefusal, refusal.dialect.family == family,
      let answer = Self.passed(refusal)
    {
      return answer
    }
    return Self.refusal(DoorCall.fault(of: error), family)
  }

  /// A refusal in the provider's own words; nil where it has none.
  static func passed(_ refusal: ProviderRefusal) -> HTTPResponse? {
    guard !refusal.body.isEmpty, let status = refusal.failure.status,
      (400...599).contains(status)
    else { return nil }
    var answer = HTTPResponse.json(status, refusal.body)
    answer.headers.append("x-should-retry", "false")
    answer.headers.append("x-assay-reason", refusal.failure.cause.reason)
    answer.headers.append("x-assay-attempts", String(refusal.attempts))
    if !refusal.failure.requestID.isEmpty {
      let name = refusal.dialect.family == .anthropic ? "request-id" : "x-request-id"
      answer.headers.append(name, refusal.failure.requestID)
    }
    return answer
  }

  static func refusal(_ fault: Fault, _ family: ProviderFamily) -> HTTPResponse {
    let shape = ErrorShape(fault, for: family)
    var answer = HTTPResponse.json(shape.status, shape.body(for: family, requestID: ""))
    // We have asked again as often as it makes sense: a client that repeats us only adds to it.
    answer.headers.append("x-should-retry", shape.shouldRetry ? "true" : "false")
    if let after = shape.retryAfter {
      let seconds = max(1, (after.components.seconds) + (after.components.attoseconds > 0 ? 1 : 0))
      answer.headers.append("retry-after", String(seconds))
    }
    answer.headers.append("x-assay-reason", fault.reason)
    return answer
  }

  /// Whose clients ask: by the path, and where that says nothing, by the headers that only one
  /// family sends.
  static func family(of head: HTTPRequestHead, path: String) -> ProviderFamily {
    if path.hasPrefix("/v1/messages") { return .anthropic }
    return head.headers["anthropic-version"] == nil ? .openAI : .anthropic
  }

  static let unknownKey = Fault(
    .unauthenticated, reason: "BAD_KEY", "The API key is missing or not known here.",
    hint: "Send one of the gateway's own keys as x-api-key or Authorization: Bearer.")
  static let wrongMethod = Fault(
    .unimplemented, reason: "METHOD_NOT_ALLOWED", "This path takes another method.")
  static let tooLarge = Fault(
    .outOfRange, reason: "REQUEST_TOO_LARGE",
    "The body is larger than \(DoorLimits.bodyBytesMax) bytes (bodyBytesMax).")

  static func unknownPath(_ path: String) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_PATH", "There is nothing at this path.",
      hint: "There are \(Dialect.allCases.map(\.path).joined(separator: ", ")) and /v1/models.")
  }

  private func metricsAnswer() -> HTTPResponse {
    let text = metrics.snapshot().prometheusText
    return HTTPResponse(
      200, ["content-type": "text/plain; version=0.0.4"], body: Array(text.utf8))
  }
}
