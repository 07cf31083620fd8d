import Blobs
import EventLoop
import GRPCFormat
import GatewayCatalog
import GatewayMedia
import GatewayPrompts
import GatewayProviders
import GatewayValues
import HTTPClient
import JSONText

extension PreparedCall {
  /// What is sent to one provider. `stored`: documents of the store's, each at its start.
  func body(
    for route: ModelRoute, isStream: Bool, prompt: PromptPlan? = nil, stored: StoredMedia? = nil
  ) throws -> HTTPRequestBody {
    switch request.content {
    case .passed(let text):
      var edits = try route.dialect.upstreamEdits(of: text, request.facts, model: route.model)
      if let prompt {
        try edits.mark(prompt.marks)
        if let key = prompt.cacheKey { try edits.setCacheKey(key) }
      }
      return .bytes(edits.isEmpty ? text.bytes : try edits.bytes())
    case .written(var call, let media):
      if let prompt {
        call.mark(prompt.marks)
        if let key = prompt.cacheKey { call.setCacheKey(key) }
      }
      let body = try route.dialect.write(
        call, model: route.model, schemaWay: route.provider.schemaWay, isStream: isStream)
      let segments = body.pieces.map { piece -> [UInt8]? in
        switch piece {
        case .bytes(let bytes): return bytes
        case .base64(let place, _):
          guard case .here(let bytes) = media[place].place else { return nil }
          return Base64.encode(bytes, isPadded: true)
        }
      }
      let here = segments.compactMap(\.self)
      guard here.count < segments.count else { return .segments(here) }
      guard let stored, let source = MediaBody(body, segments, stored) else {
        throw RequestProblem(.unsupported, "blocks.media")
      }
      return .source(source)
    }
  }
}
