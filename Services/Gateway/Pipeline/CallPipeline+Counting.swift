import Faults
import GatewayCatalog
import GatewayLedger
import GatewayMedia
import GatewayProviders
import GatewayValues
import HTTPClient
import JSON
import JSONText
import LedgerFile

extension CallPipeline {
  /// How many tokens a request's input has: as its provider counts them where it does, for that
  /// is free; else as they are bounded here.
  package func countTokens(_ request: CallRequest) async throws -> (count: Int64, isCounted: Bool) {
    let call = try prepared(request)
    let route = call.routes[0]
    guard route.dialect == .anthropicMessages, let endpoint = upstreams.endpoint(route) else {
      return (call.bound.inputTokensMax, false)
    }
    let stored = StoredMedia(readers: try await readers(of: call), loop: loop)
    var asked = HTTPClientRequest(
      .post, "/v1/messages/count_tokens",
      headers: upstreams.headers(
        route, callKey: "count", attempt: 1, passed: request.passedHeaders),
      body: try call.countedBody(for: route, stored))
    asked.responseBodyBytesMax = ProviderLimits.errorBytesMax
    let response: HTTPClientResponse
    let body: [UInt8]
    do {
      response = try await endpoint.send(asked)
      body = try await response.body.collect(max: ProviderLimits.errorBytesMax)
    } catch {
      throw ProviderRefusal(
        failure: ProviderFailure(error.code.cause, message: error.description),
        dialect: route.dialect, body: [], attempts: 1, provider: route.provider.name)
    }
    if response.status == 200, let text = try? JSONText(checking: body),
      let count = text["input_tokens"]?.int, count >= 0
    {
      return (Int64(count), true)
    }
    let failure = ProviderFailure(
      status: response.status, headers: response.headers, body: body,
      family: route.dialect.family, nowMilliseconds: wallMilliseconds)
    throw ProviderRefusal(
      failure: failure, dialect: route.dialect, body: body, attempts: 1,
      provider: route.provider.name)
  }
}

extension PreparedCall {
  /// The same request without what counting does not take.
  func countedBody(
    for route: ModelRoute, _ stored: StoredMedia? = nil
  ) throws -> HTTPRequestBody {
    guard case .passed(let text) = request.content else {
      return try body(for: route, isStream: false, stored: stored)
    }
    var edits = try route.dialect.upstreamEdits(of: text, request.facts, model: route.model)
    for name in ["max_tokens", "stream", "metadata", "temperature"] {
      if let element = text[name] { try edits.remove(element) }
    }
    return .bytes(edits.isEmpty ? text.bytes : try edits.bytes())
  }
}
