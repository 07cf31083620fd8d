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
          case .base64(let place, _): Base64.encoded(media[place])
          }
        })
    }
  }
}

/// Base64 as bodies carry media.
enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var place = 0
    while place < bytes.count {
      let left = bytes.count - place
      let first = bytes[place]
      let second = left > 1 ? bytes[place + 1] : 0
      let third = left > 2 ? bytes[place + 2] : 0
      text.append(alphabet[Int(first >> 2)])
      text.append(alphabet[Int((first & 0x03) << 4 | second >> 4)])
      text.append(left > 1 ? alphabet[Int((second & 0x0f) << 2 | third >> 6)] : 0x3d)
      text.append(left > 2 ? alphabet[Int(third & 0x3f)] : 0x3d)
      place += 3
    }
    return text
  }
}
