/// The names that may stand in a log record: this list and no other.
///
/// A new name is a new line here, so that a reviewer sees what else is going to be written down.
/// Nothing that holds a prompt, a reply, document text, a key or a header belongs here.
package struct LogField: Hashable, Sendable {
  package let name: String

  private init(_ name: String) { self.name = name }

  // Who
  package static let service = LogField("service")
  package static let instance = LogField("instance")
  package static let version = LogField("version")
  package static let pid = LogField("pid")
  package static let uid = LogField("uid")
  package static let peer = LogField("peer")
  package static let product = LogField("product")
  package static let provider = LogField("provider")
  package static let model = LogField("model")

  // What
  package static let method = LogField("method")
  package static let run = LogField("run")
  package static let unit = LogField("unit")
  package static let call = LogField("call")
  package static let attempt = LogField("attempt")
  package static let stream = LogField("stream")
  package static let connection = LogField("connection")
  package static let label = LogField("label")
  package static let loop = LogField("loop")
  package static let state = LogField("state")
  package static let status = LogField("status")
  package static let code = LogField("code")
  package static let reason = LogField("reason")
  package static let limit = LogField("limit")
  package static let error = LogField("error")
  package static let signal = LogField("signal")
  package static let hint = LogField("hint")

  // Where
  package static let path = LogField("path")
  package static let address = LogField("address")
  package static let setting = LogField("setting")
  package static let origin = LogField("origin")

  // How much
  package static let durationMS = LogField("duration_ms")
  package static let deadlineMS = LogField("deadline_ms")
  package static let heldMS = LogField("held_ms")
  package static let bytes = LogField("bytes")
  package static let count = LogField("count")
  package static let port = LogField("port")
  package static let suppressed = LogField("suppressed")
  package static let dropped = LogField("dropped")

  // Of which trace
  package static let traceID = LogField("trace_id")
  package static let spanID = LogField("span_id")
}

/// What may stand behind a name. There is deliberately no way in for any other type: a `Secret`
/// does not compile here, nor does "anything that has a description".
package enum LogValue: Equatable, Sendable {
  /// Cut at `LogLimits.valueBytesMax`.
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)

  package static func int(_ value: some BinaryInteger) -> LogValue {
    .int(Int64(clamping: value))
  }

  /// Milliseconds, to the microsecond: for fields that end in `_ms`.
  package static func milliseconds(_ duration: Duration) -> LogValue {
    let (seconds, attoseconds) = duration.components
    let micros = Double(seconds) * 1e6 + (Double(attoseconds) / 1e12).rounded()
    return .double(micros / 1e3)
  }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// The fields of a record, each name once, in the order they were given.
package struct LogFields: Equatable, Sendable, ExpressibleByDictionaryLiteral {
  /// One name and its value.
  struct Entry: Equatable, Sendable {
    let field: LogField
    var value: LogValue
  }

  private(set) var entries: [Entry] = []

  package init(dictionaryLiteral elements: (LogField, LogValue)...) {
    entries.reserveCapacity(elements.count)
    for (field, value) in elements { set(field, value) }
  }

  /// Adds the field, or changes its value where it stands.
  package mutating func set(_ field: LogField, _ value: LogValue) {
    if let place = entries.firstIndex(where: { $0.field == field }) {
      entries[place].value = value
    } else {
      entries.append(Entry(field: field, value: value))
    }
  }

  /// Both, with the values of `more` where a name is in both.
  package func merging(_ more: LogFields) -> LogFields {
    if more.entries.isEmpty { return self }
    var merged = self
    for entry in more.entries { merged.set(entry.field, entry.value) }
    return merged
  }
}
