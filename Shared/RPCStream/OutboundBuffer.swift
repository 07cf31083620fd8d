import GRPCFormat
package import HTTP2
package import Protobuf

/// What one side of a stream has still to send: framed messages, then an end.
///
/// A value without I/O: the stream that holds it wakes the connection, the connection takes bytes.
package struct OutboundBuffer: Sendable {
  package enum End: Equatable, Sendable {
    /// More may be appended.
    case open
    /// The body ends here (a client's request).
    case ends
    /// Trailers follow the body (a server's response).
    case endsWithTrailers
  }

  private var bytes: [UInt8] = []
  private var head = 0
  /// Somebody else may hold the same bytes: to empty this is to let go of them.
  private var isShared = false
  package private(set) var end = End.open

  package init() {}

  package var count: Int { bytes.count - head }
  package var isOpen: Bool { end == .open }

  /// Frames and appends a message; false when the buffer has ended.
  package mutating func append(_ message: some WireMessage) -> Bool {
    guard end == .open else { return false }
    let start = MessagePrefix.reserve(in: &bytes)
    message.appendPacked(to: &bytes)
    MessagePrefix.fill(&bytes, at: start)
    return true
  }

  /// Appends what is framed already; long bytes are shared, not copied, where nothing waits.
  package mutating func append(framed: [UInt8]) -> Bool {
    guard end == .open else { return false }
    if bytes.isEmpty, framed.count > max(bytes.capacity, OutboundBuffer.copiedBytesMax) {
      bytes = framed
      isShared = true
    } else {
      bytes.append(contentsOf: framed)
    }
    return true
  }

  package mutating func finish(_ end: End) { if self.end == .open { self.end = end } }

  /// Moves as much as fits into `room` and says what follows.
  package mutating func take(into room: UnsafeMutableRawBufferPointer) -> BodyFill {
    let moved = min(room.count, count)
    if moved > 0 {
      unsafe bytes.withUnsafeBytes { source in
        unsafe room.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[head..<(head + moved)]))
      }
      head += moved
      compact()
    }
    guard count == 0 else { return .bytes(moved) }
    switch end {
    case .open: return moved > 0 ? .bytes(moved) : .notNow
    case .ends: return .ends(moved)
    case .endsWithTrailers: return .endsWithTrailers(moved)
    }
  }

  package mutating func discard() {
    bytes = []
    head = 0
    isShared = false
  }

  /// Keeps the memory of a busy stream, gives back that of a large message.
  private mutating func compact() {
    if head == bytes.count, isShared {
      discard()
    } else if head == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= OutboundBuffer.keptCapacityMax)
      head = 0
    } else if head > OutboundBuffer.keptCapacityMax {
      bytes.removeSubrange(..<head)
      head = 0
    }
  }

  private static let keptCapacityMax = 256 << 10
  /// Up to here a copy costs less than a new allocation later.
  private static let copiedBytesMax = 4 << 10
}
