// Telemetry: what a process says about itself. Log lines with allow-listed fields, counters and
// histograms, trace context, and the type that keeps secrets out of all three. It never holds a
// caller up (a line that cannot be written at once is dropped and counted), never lets a peer
// fill the disk (repeated records are counted instead of written), and has no way to take a
// prompt, a document or a key: messages are literals and values come from a few plain types.
// Exporting spans is left to whoever implements `SpanSink`. Limits: `LogLimits`, `MetricsLimits`.

/// Writes records under one name. Cheap to copy; copies share their sink.
package struct Logger: Sendable {
  package let sink: LogSink
  private let fields: LogFields

  package init(service: String, instance: String, to sink: LogSink) {
    self.sink = sink
    fields = [.service: .string(service), .instance: .string(instance)]
  }

  private init(sink: LogSink, fields: LogFields) {
    self.sink = sink
    self.fields = fields
  }

  /// Says nothing.
  package static let silent = Logger(sink: .discarding, fields: [:])

  /// The same logger with fields that stand in each of its records.
  package func with(_ more: LogFields) -> Logger {
    Logger(sink: sink, fields: fields.merging(more))
  }

  /// One record. The message is a literal, so nothing from outside can hide in it; `fields`
  /// are made only when the level is on.
  package func log(
    _ level: LogLevel, _ message: StaticString, _ more: @autoclosure () -> LogFields = [:]
  ) {
    guard sink.isEnabled(level) else { return }
    var all = fields.merging(more())
    if let trace = TraceContext.current {
      all.set(.traceID, .string(trace.traceID.description))
      all.set(.spanID, .string(trace.spanID.description))
    }
    sink.write(LogRecord(level: level, message: message, fields: all))
  }

  package func debug(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.debug, message, fields())
  }

  package func info(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.info, message, fields())
  }

  package func warning(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.warning, message, fields())
  }

  package func error(_ message: StaticString, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.error, message, fields())
  }
}

/// How much a record matters.
package enum LogLevel: UInt8, Comparable, CaseIterable, Sendable {
  /// For whoever looks for a fault; off unless asked for.
  case debug
  /// What happened, as planned.
  case info
  /// Something was refused, lost or late, and the service goes on.
  case warning
  /// Someone must act.
  case error

  package var name: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  package init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }

  package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// One record on its way to a sink.
package struct LogRecord: Sendable {
  let level: LogLevel
  let message: StaticString
  let fields: LogFields
}
