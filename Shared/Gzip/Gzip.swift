// Gzip: whole messages into gzip and back, on zlib. What comes out of a message from outside has
// a limit that the caller names, and the work stops there, so that a small message cannot become
// a large one. One gzip member per message: truncated bytes and bytes behind the end are refused.
// It streams nothing and knows neither zlib's nor raw deflate's framing.

/// Single messages; `GzipCoder` does the same without allocating its state each time.
package enum Gzip {
  package static func compress(_ bytes: RawSpan, level: GzipLevel = .fast) -> [UInt8] {
    var coder = GzipCoder(level: level)
    return coder.compress(bytes)
  }

  package static func compress(_ bytes: [UInt8], level: GzipLevel = .fast) -> [UInt8] {
    compress(unsafe bytes.span.bytes, level: level)
  }

  /// At most `limit` bytes, or nothing.
  package static func decompress(_ bytes: RawSpan, limit: Int) throws(GzipError) -> [UInt8] {
    var coder = GzipCoder()
    return try coder.decompress(bytes, limit: limit)
  }

  /// At most `limit` bytes, or nothing.
  package static func decompress(_ bytes: [UInt8], limit: Int) throws(GzipError) -> [UInt8] {
    try decompress(unsafe bytes.span.bytes, limit: limit)
  }
}

/// How much work compressing is worth.
package enum GzipLevel: Int32, Sendable {
  /// For messages on the way: most of the gain for a third of the time.
  case fast = 1
  /// zlib's default, for what is kept.
  case balanced = 6
}

/// Why bytes are not the one gzip member they should be.
package enum GzipError: Error, Equatable, Sendable {
  case truncated
  /// No gzip header, impossible data, or a checksum that does not match.
  case corrupt
  /// Something follows the end of the member.
  case trailingBytes
  /// More would come out than the caller allows.
  case tooLarge(limit: Int)
}

extension GzipError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated: "the gzip data ends too early"
    case .corrupt: "this is not gzip data, or it is damaged"
    case .trailingBytes: "something follows the gzip data"
    case .tooLarge(let limit): "more than \(limit) bytes come out of the gzip data"
    }
  }
}
