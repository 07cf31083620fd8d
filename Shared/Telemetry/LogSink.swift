import Glibc
import Locking
import Synchronization

/// Where the records of a process go: one line each, written at once or not at all.
package final class LogSink: Sendable {
  private struct State: ~Copyable {
    var output: LogOutput
    var throttle: LogThrottle
    /// Lines that the output refused since the last one it took.
    var unreportedDrops = 0
    var buffer: [UInt8] = []
  }

  private let state: Lock<State>
  private let levelNumber: Atomic<UInt8>
  private let drops = Atomic<Int>(0)
  private let format: LogFormat
  private let limits: LogLimits
  private let clock: LogClock

  private static let levelOff = UInt8.max

  /// Writes to a descriptor that stays the caller's to close.
  package init(
    descriptor: Int32 = STDERR_FILENO, format: LogFormat = .json, level: LogLevel = .info,
    limits: LogLimits = LogLimits(), clock: LogClock = .system
  ) {
    self.format = format
    self.limits = limits
    self.clock = clock
    levelNumber = Atomic(level.rawValue)
    state = Lock(
      State(
        output: LogOutput(descriptor: LogDescriptor(descriptor)),
        throttle: LogThrottle(limits: limits)))
  }

  /// Hands each line, with its newline, to `take`: for tests and for whoever shows logs itself.
  /// `take` runs under the sink's lock and must not log.
  package init(
    format: LogFormat = .json, level: LogLevel = .info, limits: LogLimits = LogLimits(),
    clock: LogClock = .system, take: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.format = format
    self.limits = limits
    self.clock = clock
    levelNumber = Atomic(level.rawValue)
    state = Lock(
      State(output: LogOutput(take: take), throttle: LogThrottle(limits: limits)))
  }

  /// Takes nothing.
  package static let discarding: LogSink = {
    let sink = LogSink(take: { _ in })
    sink.levelNumber.store(levelOff, ordering: .relaxed)
    return sink
  }()

  /// The least level that is written; may be changed at any time.
  package var level: LogLevel {
    get { LogLevel(rawValue: levelNumber.load(ordering: .relaxed)) ?? .error }
    set { levelNumber.store(newValue.rawValue, ordering: .relaxed) }
  }

  package func isEnabled(_ level: LogLevel) -> Bool {
    level.rawValue >= levelNumber.load(ordering: .relaxed)
  }

  /// Lines that were lost because the output was full or gone.
  package var droppedCount: Int { drops.load(ordering: .relaxed) }

  /// Writes what is still only counted. For the end of the process.
  package func flush() {
    state.withLock { state in
      for summary in state.throttle.takeAll() { write(summary, &state) }
      reportDrops(&state)
    }
  }

  func write(_ record: LogRecord) {
    state.withLock { state in
      let now = clock.monotonic()
      for summary in state.throttle.expire(at: now) { write(summary, &state) }
      guard state.throttle.admit(record, at: now) == .write else { return }
      reportDrops(&state)
      writeOrDrop(record, &state)
    }
  }

  private func write(_ summary: LogThrottle.Summary, _ state: inout State) {
    writeOrDrop(
      LogRecord(
        level: summary.level, message: summary.message,
        fields: [.suppressed: .int(summary.suppressed)]), &state)
  }

  private func writeOrDrop(_ record: LogRecord, _ state: inout State) {
    guard !writeLine(record, &state) else { return }
    state.unreportedDrops += 1
    drops.add(1, ordering: .relaxed)
  }

  /// Says what was lost as soon as something is taken again.
  private func reportDrops(_ state: inout State) {
    guard state.unreportedDrops > 0 else { return }
    let report = LogRecord(
      level: .warning, message: "log lines were lost: the output was full",
      fields: [.dropped: .int(state.unreportedDrops)])
    if writeLine(report, &state) { state.unreportedDrops = 0 }
  }

  private func writeLine(_ record: LogRecord, _ state: inout State) -> Bool {
    // The buffer is taken out while it is filled, so that its memory serves the next line too.
    var bytes: [UInt8] = []
    swap(&bytes, &state.buffer)
    bytes.removeAll(keepingCapacity: true)
    bytes = format.line(record, at: clock.wall(), limits: limits, into: bytes)
    defer { swap(&bytes, &state.buffer) }
    return state.output.write(bytes)
  }
}
