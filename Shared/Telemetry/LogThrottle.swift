/// Counts records by message and lets only so many of each through per window.
///
/// A value without clock or output: `admit` says what to write, `expire` what was held back.
struct LogThrottle: Sendable {
  private struct Entry: Sendable {
    let level: LogLevel
    let message: StaticString
    var windowEnd: Duration
    var passed = 0
    var suppressed = 0
  }

  enum OnRecord: Equatable { case write, suppress }

  /// A message that was held back in a window that is over.
  struct Summary: Sendable {
    let level: LogLevel
    let message: StaticString
    let suppressed: Int
  }

  private let limits: LogLimits
  private var entries: [UInt: Entry] = [:]
  private var nextExpiry: Duration = .zero

  init(limits: LogLimits) { self.limits = limits }

  mutating func admit(_ record: LogRecord, at now: Duration) -> OnRecord {
    var key = Self.key(of: record.message)
    if entries.count >= limits.messagesMax, entries[key] == nil { key = Self.sharedKey }
    var entry =
      entries[key]
      ?? Entry(level: record.level, message: record.message, windowEnd: now + limits.window)
    defer { entries[key] = entry }
    guard entry.passed < limits.repeatsPerWindowMax else {
      entry.suppressed += 1
      return .suppress
    }
    entry.passed += 1
    return .write
  }

  /// What to report of the windows that ended; forgets their messages. Looks at all of them at
  /// most once per window.
  mutating func expire(at now: Duration) -> [Summary] {
    guard now >= nextExpiry else { return [] }
    nextExpiry = now + limits.window / 10
    return take { $0.windowEnd <= now }
  }

  /// Everything held back so far, for the end of the process.
  mutating func takeAll() -> [Summary] { take { _ in true } }

  private mutating func take(_ isOver: (Entry) -> Bool) -> [Summary] {
    var summaries: [Summary] = []
    for (key, entry) in entries where isOver(entry) {
      entries[key] = nil
      if entry.suppressed > 0 {
        summaries.append(
          Summary(level: entry.level, message: entry.message, suppressed: entry.suppressed))
      }
    }
    return summaries
  }

  private static let sharedKey: UInt = 0

  /// A literal is known by its address: one comparison instead of reading it.
  private static func key(of message: StaticString) -> UInt {
    message.hasPointerRepresentation
      ? unsafe UInt(bitPattern: message.utf8Start) : UInt(message.unicodeScalar.value) + 1
  }
}
