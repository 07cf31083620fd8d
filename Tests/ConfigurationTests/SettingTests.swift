import Configuration
import Testing

@Suite struct SettingTests {
  private func refusal(_ variable: String, _ value: String) -> String? {
    let problems = Sample.problems(environment: [variable: value])
    #expect(problems.count <= 1)
    return problems.first
  }

  @Test(
    arguments: [
      ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("1m30s", .seconds(90)),
      ("1.5s", .milliseconds(1500)), ("0.001s", .milliseconds(1)), ("2h", .seconds(7200)),
      ("7d", .seconds(604_800)), ("10us", .microseconds(10)), ("10µs", .microseconds(10)),
      ("1ns", .nanoseconds(1)), ("0s", .zero), ("0.5ns", nil), ("5", nil), ("s", nil), ("", nil),
      ("-5s", nil), ("+5s", nil), ("5 s", nil), ("5S", nil), ("5sec", nil), ("1..5s", nil),
      ("1.s", nil), (".5s", nil), ("1e3s", nil), ("٣s", nil),
      ("9223372036s", .seconds(9_223_372_036)),
      ("9223372037s", nil), ("99999999999999999999s", nil), ("1s1", nil), ("1.1.1s", nil),
      ("106751d23h47m16s", .seconds(9_223_371_236 + 800)), ("106751d24h", nil),
    ] as [(String, Duration?)])
  func `durations are exact or refused`(text: String, duration: Duration?) {
    #expect(Quantity.duration(text) == duration)
    if let duration { #expect(Quantity.duration(Quantity.text(duration)) == duration) }
  }

  @Test(
    arguments: [
      ("0", 0), ("4096", 4096), ("1B", 1), ("64KiB", 65_536), ("1.5MiB", 1_572_864),
      ("2GB", 2_000_000_000),
      ("1kB", 1000), ("1KB", 1000), ("3GiB", 3 << 30), ("1TiB", 1 << 40), ("0.5B", nil),
      ("1.0001KiB", nil), ("1.5", nil), ("-1", nil), ("1 KiB", nil), ("1K", nil), ("1kib", nil),
      ("KiB", nil), ("", nil), ("9223372036854775807", .max), ("9223372036854775808", nil),
      ("8388608TiB", nil), ("1MiB1", nil), ("1MiB1B", nil),
    ] as [(String, Int64?)])
  func `sizes are exact or refused`(text: String, bytes: Int64?) {
    #expect(Quantity.bytes(text) == bytes)
    if let bytes { #expect(Quantity.bytes(Quantity.bytesText(bytes)) == bytes) }
  }

  @Test(arguments: [
    ("ASSAY_SERVICE_WORKERS", "65", "'65' is not a whole number from 1 to 64"),
    ("ASSAY_SERVICE_WORKERS", "4.0", "'4.0' is not a whole number"),
    ("ASSAY_SERVICE_WORKERS", "", "'' is not a whole number"),
    ("ASSAY_SERVICE_TRACE", "yes", "'yes' is neither true nor false"),
    ("ASSAY_SERVICE_TRACE", "", "'' is neither"),
    ("ASSAY_LOG_LEVEL", "loud", "'loud' is none of debug, info, warning"),
    ("ASSAY_SERVICE_CALL_TIMEOUT", "0s", "'0s' is not a duration from 1ms to 1h"),
    ("ASSAY_SERVICE_CALL_TIMEOUT", "5", "'5' is not a duration like"),
    ("ASSAY_SERVICE_CACHE_SIZE", "2GiB", "'2GiB' is not a size from 0B to 1GiB"),
    ("ASSAY_MESH_STORE", "http://x", "'http://x' is not an address"),
    ("ASSAY_MESH_STORE", "unix:", "without a path"),
    ("ASSAY_MESH_STORE", "unix-dir://", "without a path"),
    ("ASSAY_MESH_STORE", "tcp://x", "without host:port"),
    ("ASSAY_MESH_STORE", "tcp://:1", "without host:port"),
    ("ASSAY_MESH_STORE", "dns:///x:65536", "without host:port"),
    ("ASSAY_MESH_STORE", "tcp://x:+1", "without host:port"),
    (
      "ASSAY_MESH_STORE", "unix:/" + String(repeating: "x", count: 107), "longer than the 107 bytes"
    ),
    ("ASSAY_SERVICE_TAGS", "a,,b", "has an empty entry"),
    ("ASSAY_SERVICE_TAGS", ",", "has an empty entry"),
    (
      "ASSAY_SERVICE_TAGS", "x" + String(repeating: ",x", count: 1024),
      "more than 1024 entries"
    ),
    ("ASSAY_IDENTITY_UIDS", "a=1,a=2", "'a' is there twice"),
    ("ASSAY_IDENTITY_UIDS", "a", "'a' is not name=value"),
    ("ASSAY_IDENTITY_UIDS", "=1", "has an entry without a name"),
    ("ASSAY_IDENTITY_UIDS", "a=x", "'a' has no uid"),
    ("ASSAY_SERVICE_NAME", "a\0b", "holds a NUL"),
    ("ASSAY_SERVICE_NAME", String(repeating: "x", count: 4097), "longer than 4096 bytes"),
  ])
  func `a bad value is refused in words that help`(variable: String, value: String, words: String) {
    let refusal = refusal(variable, value)
    #expect(refusal?.hasPrefix("\(variable): ") == true)
    #expect(refusal?.contains(words) == true, "\(refusal ?? "accepted")")
  }

  @Test(arguments: [
    ("ASSAY_MESH_STORE", "unix:///run/x.sock"), ("ASSAY_MESH_STORE", "unix:relative.sock"),
    ("ASSAY_MESH_STORE", "unix:/" + String(repeating: "x", count: 106)),
    ("ASSAY_MESH_STORE", "tcp://127.0.0.1:0"), ("ASSAY_SERVICE_TAGS", ""),
    ("ASSAY_IDENTITY_UIDS", ""), ("ASSAY_SERVICE_CALL_TIMEOUT", "1h"),
  ])
  func `a good value is taken`(variable: String, value: String) {
    #expect(refusal(variable, value) == nil)
  }

  @Test func `a long value is quoted only in part`() {
    let refusal = refusal("ASSAY_LOG_LEVEL", String(repeating: "é", count: 1000))
    #expect((refusal?.count ?? .max) < 160)
  }

  @Test func `lists and maps in a file have their bounds`() {
    let items = (0..<1025).map { "e\($0)" }
    #expect(
      Sample.problems(inFile: "service: {tags: [\(items.joined(separator: ", "))]}")
        == ["assay.yaml:2: service.tags has more than 1024 entries"])
    #expect(
      Sample.problems(
        inFile: "identity: {uids: {\(items.map { "\($0): 1" }.joined(separator: ", "))}}")
        == ["assay.yaml:2: identity.uids has more than 1024 entries"])
    #expect(
      Sample.problems(inFile: "service: {tags: [[a]]}")
        == ["assay.yaml:2: service.tags takes a list, not a list"])
    #expect(Sample.problems(inFile: "service: {tags: 'a,b'}\nidentity: {uids: 'a=1'}") == [])
  }

  @Test func `names are told from paths in one way`() {
    let definition = Sample.timeout.definition
    #expect(definition.variable == "ASSAY_SERVICE_CALL_TIMEOUT")
    #expect(definition.flag == "--service.call-timeout")
    #expect(definition.kind.hint == "duration from 1ms to 1h")
    #expect(definition.isReloadable)
    #expect(definition.isRequired == false)
    #expect(Sample.listen.definition.isRequired)
  }

  @Test func `a schema that contradicts itself stops the program`() async {
    await #expect(processExitsWith: .failure) {
      _ = ConfigurationSchema([
        Setting.string("a.b-c", help: ""), Setting.string("a.b.c", help: ""),
      ])
    }
    await #expect(processExitsWith: .failure) {
      _ = ConfigurationSchema([Setting.string("a.b", help: ""), Setting.string("a.b.c", help: "")])
    }
    await #expect(processExitsWith: .failure) {
      _ = ConfigurationSchema([Setting.string("plain", help: "")])
    }
    await #expect(processExitsWith: .failure) {
      _ = ConfigurationSchema([Setting.int("a.b", default: 5, in: 1...4, help: "")])
    }
  }
}
