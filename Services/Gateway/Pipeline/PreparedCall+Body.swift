import GRPCFormat
import GatewayCatalog
import GatewayPrompts
import GatewayProviders
import GatewayValues
import HTTPClient
import JSONText

extension PreparedCall {
  /// What is sent to one provider.
  func body(
    for route: ModelRoute, isStream: Bool, prompt: PromptPlan? = nil
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
      return .segments(
        body.pieces.map { piece in
          switch piece {
          case .bytes(let bytes): bytes
          case .base64(let place, _): Base64.encode(media[place], isPadded: true)
          }
        })
    }
  }
}
