import Faults
import GRPCFormat
import Gzip
package import Protobuf

/// gzip of single messages, with the method's limit on what comes out.
package enum MessageCompression {
  /// A framed, compressed message.
  package static func frame(_ message: some WireMessage) throws -> [UInt8] {
    var packed: [UInt8] = []
    message.appendPacked(to: &packed)
    var framed: [UInt8] = []
    let start = MessagePrefix.reserve(in: &framed)
    framed.append(contentsOf: Gzip.compress(packed))
    MessagePrefix.fill(&framed, at: start, compressed: true)
    return framed
  }

  /// Lends the expanded message; a bomb stops at `limit`.
  package static func expand(
    _ message: RawSpan, isDeclared: Bool, limit: Int, _ body: (RawSpan) throws -> Void
  ) throws {
    guard isDeclared else {
      throw Fault(
        .internal, reason: "UNDECLARED_COMPRESSION",
        "A message is compressed, but the stream declared no encoding.")
    }
    let expanded: [UInt8]
    do {
      expanded = try Gzip.decompress(message, limit: limit)
    } catch .tooLarge {
      throw Fault(
        .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        "A compressed message expands past this method's limit of \(limit) bytes.",
        facts: ["limit": "message_bytes"])
    } catch {
      throw Fault(.internal, reason: "BAD_COMPRESSION", "A compressed message is broken: \(error).")
    }
    try body(unsafe expanded.span.bytes)
  }
}

extension Duration {
  /// Nanoseconds, cut to what fits; negative durations count as none.
  package var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max >> 1 : min(product + UInt64(attoseconds / 1_000_000_000), .max >> 1)
  }
}
