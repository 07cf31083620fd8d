import JSON
import Telemetry
import Testing

@Suite struct LoggerTests {
  private let capture = LogCapture()

  private func logger(level: LogLevel = .info, limits: LogLimits = LogLimits()) -> Logger {
    Logger(service: "store", instance: "store-1", to: capture.sink(level: level, limits: limits))
  }

  @Test func `a record is one JSON line that says when, what and who`() throws {
    logger().warning(
      "a peer was refused",
      [.peer: .string("uid 7"), .limit: "connectionsMax", .count: .int(3), .durationMS: 1.5])
    let expected =
      #"{"time":"2023-11-14T22:13:20.123Z","level":"warning","message":"a peer was refused","#
      + #""service":"store","instance":"store-1","peer":"uid 7","limit":"connectionsMax","#
      + #""count":3,"duration_ms":1.5}"# + "\n"
    #expect(capture.text == [expected])
  }

  @Test func `fields of a derived logger stand in each record and the latest value counts`() throws
  {
    let derived = logger().with([.method: "/a/B", .status: "OK", .instance: "store-2"])
    derived.info("called", [.status: "NOT_FOUND"])
    let record = try #require(try capture.records().first)
    #expect(record["method"] == "/a/B")
    #expect(record["status"] == "NOT_FOUND")
    #expect(record["instance"] == "store-2")
  }

  @Test func `levels below the sink's cost nothing`() throws {
    var wasAsked = false
    func fields() -> LogFields {
      wasAsked = true
      return [:]
    }
    let logger = logger()
    logger.debug("unseen", fields())
    #expect(!wasAsked)
    logger.sink.level = .debug
    logger.debug("seen", fields())
    #expect(wasAsked)
    #expect(try capture.records().map { $0["message"] } == ["seen"])
    Logger.silent.error("unseen")
    #expect(LogLevel(name: "warning") == .warning)
    #expect(LogLevel(name: "loud") == nil)
  }

  @Test func `the current trace is in the record`() throws {
    let trace = TraceContext.root(isSampled: true)
    let logger = logger()
    TraceContext.$current.withValue(trace) { logger.info("inside") }
    logger.info("outside")
    let records = try capture.records()
    #expect(records[0]["trace_id"] == .string(trace.traceID.description))
    #expect(records[0]["span_id"] == .string(trace.spanID.description))
    #expect(records[1]["trace_id"] == nil)
  }

  @Test func `a long value is cut between characters`() throws {
    let logger = logger(limits: LogLimits(valueBytesMax: 10))
    logger.info("x", [.error: .string("123456789é"), .reason: .string("1234567890"), .path: ""])
    let record = try #require(try capture.records().first)
    #expect(record["error"] == "123456789…")
    #expect(record["reason"] == "1234567890")
    #expect(record["path"] == "")
  }

  @Test(arguments: ["\u{1}", "\\", "😀", "a", "\u{7F}\u{9B}"])
  func `no line is longer than a pipe takes at once`(piece: String) throws {
    let long = String(repeating: piece, count: 2000)
    var fields: LogFields = [.bytes: 1]
    let names: [LogField] = [
      .error, .reason, .path, .peer, .method, .run, .unit, .label, .hint, .address, .setting,
    ]
    for name in names { fields.set(name, .string(long)) }
    logger().info("much to say", fields)
    let pretty = Logger(
      service: "s", instance: "i", to: capture.sink(format: .pretty(colour: true)))
    pretty.info("much to say", fields)
    #expect(capture.byteCounts.max() ?? 0 <= 4096)
    #expect(capture.byteCounts.min() ?? 0 > 2000)
    let record = try JSONValue(parsing: capture.text[0])
    #expect(record["truncated"] == true)
    #expect(record["bytes"] == 1)
  }

  @Test func `a message that repeats is counted instead of written`() throws {
    let logger = logger(limits: LogLimits(repeatsPerWindowMax: 3, window: .seconds(10)))
    for number in 0..<50 { logger.warning("refused", [.count: .int(number)]) }
    logger.info("something else")
    #expect(
      try capture.records().map { $0["message"] } == [
        "refused", "refused", "refused", "something else",
      ])

    capture.advance(by: .seconds(11))
    logger.info("much later")
    let records = try capture.records()
    #expect(records.count == 6)
    #expect(records[4]["message"] == "refused")
    #expect(records[4]["suppressed"] == 47)
    #expect(records[4]["level"] == "warning")
    logger.warning("refused")
    #expect(try capture.records().count == 7)
  }

  @Test func `what is still only counted is written at the end`() throws {
    let logger = logger(limits: LogLimits(repeatsPerWindowMax: 1))
    for _ in 0..<5 { logger.info("again") }
    logger.sink.flush()
    logger.sink.flush()
    #expect(try capture.records().map { $0["suppressed"] } == [nil, 4])
  }

  @Test func `messages beyond the limit share one count`() throws {
    let logger = logger(limits: LogLimits(repeatsPerWindowMax: 2, messagesMax: 2))
    logger.info("a")
    logger.info("b")
    for _ in 0..<3 {
      logger.info("c")
      logger.info("d")
    }
    #expect(try capture.records().count == 4)
  }

  @Test func `the pretty form lets no value touch the terminal`() {
    let sink = capture.sink(format: .pretty(colour: false))
    Logger(service: "store", instance: "store-1", to: sink).error(
      "bad frame", [.error: .string("\u{1B}[2J\u{9B}x\u{202E} y\n"), .peer: "p", .reason: ""])
    #expect(
      capture.text == [
        "22:13:20.123 error   bad frame instance=store-1 "
          + "error=\"\\u{1b}[2J\\u{9b}x\\u{202e} y\\u{a}\" peer=p reason=\"\"\n"
      ])
  }

  @Test func `colour is only in the level`() {
    let sink = capture.sink(format: .pretty(colour: true))
    Logger(service: "store", instance: "store-1", to: sink).info("ready")
    #expect(capture.text == ["22:13:20.123 \u{1B}[32minfo    \u{1B}[0mready instance=store-1\n"])
  }
}
