import Synchronization

/// Where a piece of work stands in a trace, as W3C Trace Context says it from hop to hop.
///
/// What comes from outside is only believed when it is well formed; a bad `traceparent` is as
/// good as none, and a bad `tracestate` is dropped without harm to the rest.
package struct TraceContext: Equatable, Sendable {
  package let traceID: TraceID
  package let spanID: SpanID
  package let isSampled: Bool
  /// What other vendors sent along, passed on unread.
  package let state: String

  package init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String = "") {
    self.traceID = traceID
    self.spanID = spanID
    self.isSampled = isSampled
    self.state = state
  }

  /// The trace that the current task works for.
  @TaskLocal package static var current: TraceContext?

  /// The beginning of a trace.
  package static func root(isSampled: Bool) -> TraceContext {
    TraceContext(traceID: .random(), spanID: .random(), isSampled: isSampled)
  }

  /// A span of the same trace below this one.
  package func child() -> TraceContext {
    TraceContext(traceID: traceID, spanID: .random(), isSampled: isSampled, state: state)
  }
}

/// 128 bits that name a trace; never all zero.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  package init?(high: UInt64, low: UInt64) {
    guard high != 0 || low != 0 else { return nil }
    self.high = high
    self.low = low
  }

  private init(high: UInt64, nonZeroLow: UInt64) {
    self.high = high
    low = nonZeroLow
  }

  package static func random() -> TraceID {
    TraceID(high: TraceIDSource.next(), nonZeroLow: TraceIDSource.nextNonZero())
  }

  package var description: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
}

/// 64 bits that name a span; never zero.
package struct SpanID: Hashable, Sendable, CustomStringConvertible {
  package let value: UInt64

  package init?(_ value: UInt64) {
    guard value != 0 else { return nil }
    self.value = value
  }

  private init(nonZero: UInt64) { value = nonZero }

  package static func random() -> SpanID { SpanID(nonZero: TraceIDSource.nextNonZero()) }

  package var description: String { Hexadecimal.text(value) }
}

/// Ids that do not repeat and cost no system call: a counter from a random start, mixed so that
/// neighbours share nothing. They name things; nobody may use them as secrets.
private enum TraceIDSource {
  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let counter = Atomic<UInt64>(UInt64.random(in: .min ... .max))

  static func next() -> UInt64 {
    var mixed = counter.wrappingAdd(step, ordering: .relaxed).newValue
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  static func nextNonZero() -> UInt64 {
    let value = next()
    return value == 0 ? next() | 1 : value
  }
}

/// Sixteen lower-case digits, as the headers and the log have them.
enum Hexadecimal {
  static func text(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// Lower-case digits only, as the standard demands; nil for anything else.
  static func value(_ digits: Substring.UTF8View) -> UInt64? {
    var value: UInt64 = 0
    for byte in digits {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - 0x30)
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - 0x57)
      default: return nil
      }
    }
    return value
  }
}
