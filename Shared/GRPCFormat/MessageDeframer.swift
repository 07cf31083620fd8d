/// Cuts a stream of bytes into gRPC's length-prefixed messages.
///
/// A message that lies whole in one chunk is lent from there; only a message spread over several
/// chunks is copied. What is held never passes `messageBytesMax` and five bytes.
package struct MessageDeframer: Sendable {
  package enum Problem: Error, Equatable, Sendable {
    /// The prefix announces more than this method takes.
    case messageTooLarge(announced: Int, limit: Int)
    /// The flag byte is neither 0 nor 1.
    case badFlag(UInt8)
  }

  private let messageBytesMax: Int
  /// The beginning of a message, prefix included, while the rest is on its way.
  private var partial: [UInt8] = []

  package init(messageBytesMax: Int) {
    self.messageBytesMax = messageBytesMax
  }

  /// True between two messages: a stream may end here.
  package var isBetweenMessages: Bool { partial.isEmpty }

  /// Bytes held of an unfinished message.
  package var heldBytes: Int { partial.count }

  /// Takes a chunk and lends each message that it completes.
  package mutating func receive(
    _ chunk: RawSpan, _ message: (_ bytes: RawSpan, _ isCompressed: Bool) -> Void
  ) throws(Problem) {
    var offset = 0
    if !partial.isEmpty {
      offset = try completePartial(from: chunk, message)
    }
    while partial.isEmpty, chunk.byteCount - offset >= MessageDeframer.prefixBytes {
      let rest = chunk.extracting(offset..<chunk.byteCount)
      let (length, compressed) = try prefix(of: rest)
      let end = MessageDeframer.prefixBytes + length
      guard rest.byteCount >= end else { break }
      message(rest.extracting(MessageDeframer.prefixBytes..<end), compressed)
      offset += end
    }
    if offset < chunk.byteCount {
      let rest = chunk.extracting(offset..<chunk.byteCount)
      unsafe rest.withUnsafeBytes { unsafe partial.append(contentsOf: $0) }
    }
  }

  package static let prefixBytes = 5

  /// Moves what the unfinished message still needs; answers how much of the chunk that took.
  private mutating func completePartial(
    from chunk: RawSpan, _ message: (RawSpan, Bool) -> Void
  ) throws(Problem) -> Int {
    var taken = 0
    if partial.count < MessageDeframer.prefixBytes {
      taken = take(MessageDeframer.prefixBytes - partial.count, from: chunk, at: 0)
      guard partial.count == MessageDeframer.prefixBytes else { return taken }
    }
    let (length, compressed) = try prefix(of: unsafe partial.span.bytes)
    let end = MessageDeframer.prefixBytes + length
    taken += take(end - partial.count, from: chunk, at: taken)
    guard partial.count == end else { return taken }
    let whole = partial
    partial = []
    let bytes = unsafe whole.span.bytes
    message(bytes.extracting(MessageDeframer.prefixBytes..<end), compressed)
    return taken
  }

  private mutating func take(_ wanted: Int, from chunk: RawSpan, at offset: Int) -> Int {
    let count = min(wanted, chunk.byteCount - offset)
    let piece = chunk.extracting(offset..<(offset + count))
    unsafe piece.withUnsafeBytes { unsafe partial.append(contentsOf: $0) }
    return count
  }

  private func prefix(of bytes: RawSpan) throws(Problem) -> (length: Int, compressed: Bool) {
    let flag = unsafe bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
    guard flag <= 1 else { throw .badFlag(flag) }
    let length = Int(
      UInt32(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    guard length <= messageBytesMax else {
      throw .messageTooLarge(announced: length, limit: messageBytesMax)
    }
    return (length, flag == 1)
  }
}
