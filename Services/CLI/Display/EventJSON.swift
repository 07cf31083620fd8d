import Descriptors
package import JSON
import OrchestratorContract
package import Protobuf
import RPC
import ScoreContract

/// Messages of runs as protobuf's JSON, by the descriptors that reflection serves.
package struct EventJSON: Sendable {
  private let mapping: JSONMapping?

  package init() {
    let bytes = OrchestratorMethods.descriptor.descriptorSet()
    mapping = (try? SchemaSet(reading: bytes)).map { JSONMapping($0, includesDefaults: false) }
  }

  /// Null only when the generated descriptors cannot be read, which a test rules out.
  package func value(of message: some WireMessage) -> JSONValue {
    var bytes: [UInt8] = []
    message.appendPacked(to: &bytes)
    return (try? mapping?.json(of: bytes, as: type(of: message).wireName)) ?? .null
  }
}
