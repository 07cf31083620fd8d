import Descriptors
import GatewayContract
import JSON
import Protobuf
import RPC

/// Messages about money as protobuf's JSON, by the descriptors that reflection serves; every row
/// of a kind has the same members.
struct AccountJSON {
  private let account = Self.mapping(AccountMethods.descriptor.descriptorSet())
  private let gateway = Self.mapping(GatewayMethods.descriptor.descriptorSet())

  private static func mapping(_ bytes: [UInt8]) -> JSONMapping? {
    (try? SchemaSet(reading: bytes)).map { JSONMapping($0, includesDefaults: true) }
  }

  /// Null only when the generated descriptors cannot be read, which a test rules out.
  func value(of message: some WireMessage) -> JSONValue {
    var bytes: [UInt8] = []
    message.appendPacked(to: &bytes)
    let name = type(of: message).wireName
    return (try? account?.json(of: bytes, as: name)) ?? (try? gateway?.json(of: bytes, as: name))
      ?? .null
  }
}
