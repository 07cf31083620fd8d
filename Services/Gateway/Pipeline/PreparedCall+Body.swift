import GRPCFormat
import GatewayCatalog
import GatewayProviders
import GatewayValues
import HTTPClient
import JSONText

extension PreparedCall {
  /// What is sent to one provider.
  func body(for route: ModelRoute, isStream: Bool) throws -> HTTPRequestBody {
    switch request.content {
    case .passed(let text):
      let edits = try route.dialect.upstreamEdits(of: text, request.facts, model: route.model)
      return .bytes(edits.isEmpty ? text.bytes : try edits.bytes())
    case .written(let call, let media):
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
