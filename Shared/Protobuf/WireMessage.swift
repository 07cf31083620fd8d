// Protobuf: Swift values to protobuf's bytes and back, through protobuf-c. It owns the arena in
// which protobuf-c allocates, so that no message leaks and no borrowed pointer escapes, and the
// checks that protobuf-c leaves out (UTF-8, a bound on memory). It never keeps unknown fields:
// they are dropped on unpacking, so a message that must pass through unread travels as bytes.
// Limits: `WireLimits`.

/// A message that a generated Swift value stands for.
package protocol WireMessage: Sendable, Equatable {
  /// Every field absent or at its default.
  init()

  /// Full name of the message type, `grpc.testing.SimpleRequest`.
  static var wireName: String { get }

  /// Reads a packed message; unknown enum numbers are kept, unknown fields are dropped.
  init(unpacking bytes: RawSpan) throws(WireError)

  /// Packs the message straight behind what is there.
  func appendPacked(to bytes: inout [UInt8])
}

extension WireMessage {
  /// Reads a packed message.
  package init(unpacking bytes: [UInt8]) throws(WireError) {
    try unsafe self.init(unpacking: bytes.span.bytes)
  }

  /// The packed message as an array of its own.
  package func packed() -> [UInt8] {
    var bytes: [UInt8] = []
    appendPacked(to: &bytes)
    return bytes
  }
}

/// A value with a protobuf-c struct of its own: what generated code asks of the messages inside
/// a message. The pointers are to that struct; nothing but generated code calls these.
package protocol WireStruct: Sendable {
  /// Copies the struct at `wire`.
  @unsafe init(wire: UnsafeRawPointer, in arena: borrowing WireArena) throws(WireError)

  /// Makes the struct, and all it points to, in `arena`.
  @unsafe func wire(in arena: borrowing WireArena) -> UnsafeMutableRawPointer
}

/// Bounds on unpacking.
package enum WireLimits {
  /// Memory that protobuf-c may take for each byte of a message: it takes up to 38.
  package static let arenaBytesPerByte = 40
  /// Memory that any message may take, however short.
  package static let arenaBytesFloor = 64 << 10
  /// A longer message is refused unread, whatever its method allows.
  package static let messageBytesMax = 16 << 20

  /// The bound for a message of `byteCount` bytes.
  package static func arenaBytesMax(for byteCount: Int) -> Int {
    byteCount * arenaBytesPerByte + arenaBytesFloor
  }
}
