import Configuration
import Faults
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConfigurationReaderTests {
  private let scratch = ScratchFiles()

  private let everything = """
    x-anchors: &defaults {call-timeout: 1m30s}
    mesh:
      listen: unix-dir:/run/assay/store
      store: tcp://[::1]:7000
    log: {level: debug}
    service:
      <<: *defaults
      name: "one"
      workers: 8
      trace: true
      cache_size: 1.5MiB
      tags: [a, b]
    identity:
      uids: {store: 20001, gateway: 20002}
    a: {b: {c: 3}}
    gateway: {anything: [goes, here]}
    """

  @Test func `every kind is read from a file`() throws {
    let values = try Sample.reader.parse([UInt8](everything.utf8))
    #expect(values[Sample.listen] == "unix-dir:/run/assay/store")
    #expect(values[Sample.store] == "tcp://[::1]:7000")
    #expect(values[Sample.level] == "debug")
    #expect(values[Sample.name] == "one")
    #expect(values[Sample.workers] == 8)
    #expect(values[Sample.isTraced] == true)
    #expect(values[Sample.timeout] == .seconds(90))
    #expect(values[Sample.cache] == 1_572_864)
    #expect(values[Sample.key] == nil)
    #expect(values[Sample.tags] == ["a", "b"])
    #expect(values[Sample.uids] == ["store": "20001", "gateway": "20002"])
    #expect(values[Sample.deep] == 3)
    #expect(values.origin(of: Sample.timeout) == .file("assay.yaml", line: 1))
    #expect(values.origin(of: Sample.workers) == .file("assay.yaml", line: 9))
    #expect(values.origin(of: Sample.key) == .byDefault)
    #expect(values.version == 1)
  }

  @Test func `every kind is read from variables`() throws {
    let values = try Sample.reader.read(
      ConfigurationSources(environment: [
        "ASSAY_MESH_LISTEN": "unix:/l", "ASSAY_MESH_STORE": "dns:///store:7000",
        "ASSAY_LOG_LEVEL": "warning", "ASSAY_SERVICE_NAME": "", "ASSAY_SERVICE_WORKERS": "64",
        "ASSAY_SERVICE_TRACE": "true", "ASSAY_SERVICE_CALL_TIMEOUT": "250ms",
        "ASSAY_SERVICE_CACHE_SIZE": "4096", "ASSAY_SERVICE_TAGS": "a, b,c ",
        "ASSAY_IDENTITY_UIDS": "store=20001, gateway = 20002", "ASSAY_A_B_C": "0",
        "ASSAY_VERSION": "dev", "ASSAY_GATEWAY_ANYTHING": "goes", "HOME": "/", "ASSAYX": "y",
      ]))
    #expect(values[Sample.store] == "dns:///store:7000")
    #expect(values[Sample.level] == "warning")
    #expect(values[Sample.name] == "")
    #expect(values[Sample.workers] == 64)
    #expect(values[Sample.isTraced])
    #expect(values[Sample.timeout] == .milliseconds(250))
    #expect(values[Sample.cache] == 4096)
    #expect(values[Sample.tags] == ["a", "b", "c"])
    #expect(values[Sample.uids] == ["store": "20001", "gateway": "20002"])
    #expect(values[Sample.deep] == 0)
    #expect(values.origin(of: Sample.timeout) == .environment("ASSAY_SERVICE_CALL_TIMEOUT"))
  }

  @Test func `flags stand over variables over the file over defaults`() throws {
    let file = scratch.write(
      "assay.yaml", "service: {name: file, workers: 2}\nlog:\n  level: debug\n")
    let values = try Sample.reader.read(
      ConfigurationSources(
        arguments: ["--service.name=flag", "--mesh.listen", "unix:/f", "--service.trace"],
        environment: ["ASSAY_SERVICE_NAME": "variable", "ASSAY_SERVICE_WORKERS": "3"],
        defaultFile: file))
    #expect(values[Sample.name] == "flag")
    #expect(values[Sample.workers] == 3)
    #expect(values[Sample.level] == "debug")
    #expect(values[Sample.cache] == 64 << 20)
    #expect(values[Sample.isTraced])
    let origins = values.entries.map { "\($0.definition.path) \($0.value.shown) (\($0.origin))" }
    #expect(
      origins == [
        "mesh.listen unix:/f (--mesh.listen)", "mesh.store (not set) (default)",
        "log.level debug (\(file):3)", "service.name flag (--service.name)",
        "service.workers 3 (ASSAY_SERVICE_WORKERS)", "service.trace true (--service.trace)",
        "service.call-timeout 5s (default)", "service.cache_size 64MiB (default)",
        "service.key_file (not set) (default)", "service.tags  (default)",
        "identity.uids  (default)", "a.b.c (not set) (default)",
      ])
  }

  @Test func `the file is named by a flag, a variable or the caller`() throws {
    let one = scratch.write("one.yaml", "service: {name: one}")
    let two = scratch.write("two.yaml", "service: {name: two}")
    func name(_ arguments: [String], _ environment: [String: String]) throws -> String {
      let sources = ConfigurationSources(
        arguments: ["--mesh.listen=unix:/l"] + arguments, environment: environment,
        defaultFile: "\(scratch.path)/absent.yaml")
      return try Sample.reader.read(sources)[Sample.name]
    }
    #expect(try name([], [:]) == "unnamed")
    #expect(try name([], ["ASSAY_CONFIG": one]) == "one")
    #expect(try name(["--config", two], ["ASSAY_CONFIG": one]) == "two")
    #expect(
      Sample.problems(environment: ["ASSAY_CONFIG": "/nowhere/x"])
        == ["ASSAY_CONFIG: '/nowhere/x' does not exist"])
    #expect(
      Sample.problems(arguments: ["--config=/"]).first?.hasPrefix("--config: cannot read /") == true
    )
  }

  @Test func `unknown names are errors that name the nearest`() {
    #expect(
      Sample.problems(
        inFile: "service:\n  workrs: 3\n  name: x\nlgo: {level: debug}\nlevel: info\nzzz: 1")
        == [
          "assay.yaml:3: unknown setting 'service.workrs'; did you mean 'service.workers'?",
          "assay.yaml:5: unknown setting 'lgo'; did you mean 'log'?",
          "assay.yaml:6: unknown setting 'level'; did you mean 'log.level'?",
          "assay.yaml:7: unknown setting 'zzz'",
        ])
    #expect(
      Sample.problems(environment: ["ASSAY_SERVICE_WORKER": "3", "ASSAY_Q": "", "ASSAY_CONFI": "x"])
        == [
          "ASSAY_CONFI: unknown variable; did you mean 'ASSAY_CONFIG'?",
          "ASSAY_Q: unknown variable",
          "ASSAY_SERVICE_WORKER: unknown variable; did you mean 'ASSAY_SERVICE_WORKERS'?",
        ])
    #expect(
      Sample.problems(arguments: [
        "--service.wokers", "3", "--nonsense", "-x", "y", "--log.level=debug",
      ])
        == [
          "--service.wokers: unknown flag; did you mean '--service.workers'?",
          "--nonsense: unknown flag", "unexpected argument 'y'",
        ])
    #expect(
      Sample.problems(arguments: ["--log.level", "--service.name=a", "--service.name=b", "--"])
        == [
          "--log.level: needs a value", "--service.name: is given twice",
          "unexpected argument '--'",
        ])
  }

  @Test func `all problems are reported at once`() {
    let file = scratch.write(
      "assay.yaml", "mesh: {listen: nowhere}\nservice: {workers: 0, trace: maybe}\nlog: info\n")
    var sources = ConfigurationSources(
      arguments: ["--service.cache_size=much", "--what"],
      environment: ["ASSAY_SERVICE_TRACE": "true", "ASSAY_SERVICE_NAME": "a b"], defaultFile: file)
    do {
      _ = try Sample.reader.read(sources)
      Issue.record("read what is wrong")
    } catch {
      let expected = [
        "--what: unknown flag",
        "\(file):3: 'log' is a section, not a plain value",
        "\(file):1: mesh.listen 'nowhere' is not an address like unix:/path, "
          + "unix-dir:/directory, tcp://host:port or dns:///name:port",
        "ASSAY_SERVICE_NAME: service.name holds a space",
        "\(file):2: service.workers '0' is not a whole number from 1 to 64",
        "\(file):2: service.trace 'maybe' is neither true nor false",
        "--service.cache_size: service.cache_size 'much' is not a size like 4096, 64KiB or 2GB",
      ]
      #expect(error.problems.map(\.description) == expected)
      #expect(error.fault.message.hasPrefix("The configuration has 7 problems: --what: unknown"))
    }
    sources.arguments = (0..<60).map { "--q\($0)" }
    do {
      _ = try Sample.reader.read(sources)
    } catch {
      #expect(error.problems.count == ConfigurationLimits.problemsMax)
      #expect(error.description.hasSuffix("\nand 15 more"))
    }
  }

  @Test func `what must be set says how`() {
    do {
      _ = try Sample.reader.parse([])
      Issue.record("nothing was set")
    } catch {
      #expect(
        error.description == "mesh.listen is not set (where this service listens): "
          + "give --mesh.listen, ASSAY_MESH_LISTEN or mesh.listen in the file")
    }
  }

  @Test(arguments: [
    ("[1]", "assay.yaml:1: must be a mapping of sections, not a list"),
    ("a: 1\nmesh: {listen: 1\n", "assay.yaml:3: "),
    ("a: {b: {}}\na: {}", "assay.yaml:2: 'a' is already"),
    ("mesh: [x]", "assay.yaml:1: 'mesh' is a section, not a list"),
    ("a: {b: {c: }}", "assay.yaml:1: a.b.c has no value; leave it out or give one"),
    ("a: {b: {c: {d: 1}}}", "assay.yaml:1: a.b.c takes a whole number from 0 to 9, not a mapping"),
    ("a: {b: {d: 1}}", "assay.yaml:1: unknown setting 'a.b.d'; did you mean 'a.b.c'?"),
    ("mesh.listen: unix:/l", "assay.yaml:1: 'mesh.listen' is not a name"),
  ])
  func `a file of the wrong shape is refused at its line`(text: String, problem: String) {
    do {
      _ = try Sample.reader.parse([UInt8](text.utf8))
      Issue.record("read \(text)")
    } catch {
      #expect(error.problems.contains { $0.description.hasPrefix(problem) }, "\(error)")
    }
  }

  @Test func `every beginning and random bytes are read or refused`() {
    var random = SeededRandom("ConfigurationReaderTests")
    let bytes = [UInt8](everything.utf8)
    for count in 0..<bytes.count { _ = try? Sample.reader.parse([UInt8](bytes[..<count])) }
    for round in 0..<4000 {
      let mutated = round % 2 == 0 ? random.mutation(of: bytes) : random.bytes(countMax: 60)
      guard let values = try? Sample.reader.parse(mutated) else { continue }
      #expect(values.entries.count == Sample.all.count)
      #expect((1...64).contains(values[Sample.workers]))
    }
  }

  @Test func `random arguments and variables never trap`() {
    var random = SeededRandom("ConfigurationReaderTests")
    let alphabet = [UInt8]("--mesh.listenASSAY_=,15sµ \0".utf8)
    for _ in 0..<3000 {
      let words = (0..<4).map { _ in
        String(decoding: random.bytes(countMax: 16, from: alphabet), as: UTF8.self)
      }
      _ = Sample.problems(
        arguments: words + ["--service.call-timeout=\(words[0])", "--service.tags=\(words[1])"],
        environment: [
          "ASSAY_\(words[2])": words[3], "ASSAY_IDENTITY_UIDS": words[1],
          "ASSAY_SERVICE_CACHE_SIZE": words[0], "ASSAY_MESH_LISTEN": words[3],
        ])
    }
  }
}
