import GRPCFormat
package import Protobuf

/// A message packed once and sent to many: its copies share their bytes.
package struct PackedMessage<Message: WireMessage>: Sendable {
  package let framed: [UInt8]

  package init(_ message: Message) {
    var framed: [UInt8] = []
    let start = MessagePrefix.reserve(in: &framed)
    message.appendPacked(to: &framed)
    MessagePrefix.fill(&framed, at: start)
    self.framed = framed
  }

  /// Bytes on the wire.
  package var byteCount: Int { framed.count }
}
