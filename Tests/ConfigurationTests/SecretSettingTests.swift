import Configuration
import Glibc
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct SecretSettingTests {
  private let scratch = ScratchFiles()

  private func values(
    _ path: String, _ environment: [String: String] = [:]
  ) throws(ConfigurationError) -> ConfigurationValues {
    try Sample.reader.read(
      ConfigurationSources(
        arguments: ["--mesh.listen=unix:/l", "--service.key_file=\(path)"],
        environment: environment))
  }

  private func refusal(_ path: String, _ environment: [String: String] = [:]) -> String? {
    do {
      _ = try values(path, environment)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `a secret is read from its file and shown nowhere`() throws {
    let path = scratch.write("key", "sk-hunter2\n")
    let values = try values(path)
    #expect(values[Sample.key] == Secret("sk-hunter2"))
    #expect(values.warnings.isEmpty)
    let entry = try #require(values.entries.first { $0.definition.path == "service.key_file" })
    #expect(entry.value.shown == "‹redacted› from \(path)")
    var dumped = ""
    dump(values, to: &dumped)
    #expect(!dumped.contains("hunter2"))
    #expect(!"\(values)".contains("hunter2"))
  }

  @Test func `only one line ending is taken off`() throws {
    #expect(try values(scratch.write("a", "x\r\n"))[Sample.key] == Secret("x"))
    #expect(try values(scratch.write("b", "x\n\n"))[Sample.key] == Secret("x\n"))
    #expect(try values(scratch.write("c", "x\r"))[Sample.key] == Secret("x\r"))
  }

  @Test(arguments: [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1)] as [(mode_t, Int)])
  func `a file that others can read is worth a warning`(mode: mode_t, count: Int) throws {
    let values = try values(scratch.write("key", "x", mode: mode))
    #expect(values.warnings.count == count)
    if count > 0 {
      #expect(
        values.warnings[0].description
          == "--service.key_file: service.key_file can be read by others; use mode 0400")
    }
  }

  @Test func `credentials of systemd are found by name`() throws {
    scratch.write("token", "t")
    let environment = ["CREDENTIALS_DIRECTORY": scratch.path]
    #expect(try values("credential:token", environment)[Sample.key] == Secret("t"))
    #expect(refusal("credential:token")?.contains("CREDENTIALS_DIRECTORY is not set") == true)
    for bad in ["credential:", "credential:../token", "credential:..", "credential:a/b"] {
      #expect(refusal(bad, environment)?.contains("names no credential") == true)
    }
  }

  @Test func `what cannot be read is refused`() {
    #expect(refusal("/nonexistent/key")?.hasSuffix("names a file that does not exist") == true)
    #expect(refusal(scratch.path)?.hasSuffix("does not name a regular file") == true)
    #expect(refusal(scratch.fifo("pipe"))?.hasSuffix("does not name a regular file") == true)
    #expect(refusal(scratch.write("empty", ""))?.hasSuffix("names an empty file") == true)
    #expect(refusal(scratch.write("newline", "\n"))?.hasSuffix("names an empty file") == true)
    let long = scratch.write("long", String(repeating: "x", count: 65_537))
    #expect(refusal(long)?.hasSuffix("names a file longer than 65536 bytes") == true)
    let most = scratch.write("most", String(repeating: "x", count: 65_536))
    #expect(refusal(most) == nil)
  }

  @Test(arguments: ["sk-live-hunter2", "/nonexistent/hunter2", "hunter2\nhunter2", ""])
  func `a secret in place of its file is not repeated`(value: String) {
    let refusal = refusal(value)
    #expect(refusal != nil)
    #expect(refusal?.contains("hunter2") == false)
  }

  @Test func `a stronger source's secret is the only one that is read`() throws {
    let path = scratch.write("key", "x")
    let values = try values(path, ["ASSAY_SERVICE_KEY_FILE": "/nonexistent/other"])
    #expect(values[Sample.key] == Secret("x"))
  }

  @Test func `reading a file alone opens no secret`() {
    let path = scratch.write("key", "x")
    #expect(
      Sample.problems(inFile: "service: {key_file: \(path)}")
        == ["assay.yaml:2: service.key_file names a file, and no files are read here"])
  }
}
