import JSON
import Locking
import Telemetry
import Testing

/// Takes the lines of a sink, and turns the hands of its clock.
final class LogCapture: Sendable {
  private let lines = Lock<[[UInt8]]>([])
  private let elapsed = Lock<Duration>(.zero)

  func sink(
    format: LogFormat = .json, level: LogLevel = .info, limits: LogLimits = LogLimits()
  ) -> LogSink {
    let clock = LogClock(
      wall: { WallTime(seconds: 1_700_000_000, nanoseconds: 123_456_789) },
      monotonic: { self.elapsed.withLock { $0 } })
    return LogSink(format: format, level: level, limits: limits, clock: clock) { line in
      self.lines.withLock { $0.append(line) }
    }
  }

  func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }

  var text: [String] { lines.withLock { $0.map { String(decoding: $0, as: UTF8.self) } } }
  var byteCounts: [Int] { lines.withLock { $0.map(\.count) } }

  /// Every line as the JSON it must be.
  func records() throws -> [JSONValue] {
    try lines.withLock { $0 }.map { line in
      #expect(line.last == 0x0A)
      return try JSONValue(parsing: line)
    }
  }
}
