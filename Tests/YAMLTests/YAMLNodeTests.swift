import TestSupport
import Testing
import YAML

@Suite(.timeLimit(.minutes(1))) struct YAMLNodeTests {
  /// A tree in one line: enough to compare trees without their places.
  private func shown(_ node: YAMLNode) -> String {
    let tag = node.tag.map { "<\($0)>" } ?? ""
    return switch node.content {
    case .scalar(let scalar): tag + (scalar.isNull ? "~" : scalar.text)
    case .sequence(let nodes): tag + "[" + nodes.map(shown).joined(separator: ", ") + "]"
    case .mapping(let mapping):
      tag + "{" + mapping.entries.map { "\($0.key): \(shown($0.value))" }.joined(separator: ", ")
        + "}"
    }
  }

  private func shown(_ text: String) throws -> String { shown(try YAMLNode(parsing: text)) }

  private func error(_ text: String, limits: YAMLLimits = YAMLLimits()) -> YAMLError? {
    do {
      _ = try YAMLNode(parsing: text, file: "f.yaml", limits: limits)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a document becomes a tree in its order`() throws {
    let text = """
      # a comment
      name: assay
      services:
        store: {image: "a:1", ports: [80, '443:443']}
        edge:
          command: ["x", y]
          note: >
            folded
            text
          raw: |
            line 1
            line 2
      none:
      """
    #expect(
      try shown(text)
        == "{name: assay, services: {store: {image: a:1, ports: [80, 443:443]}, "
        + "edge: {command: [x, y], note: folded text\n, raw: line 1\nline 2\n}}, none: ~}")
    let node = try YAMLNode(parsing: text)
    #expect(node["services"]?["store"]?["image"]?.text == "a:1")
    #expect(node["services"]?["edge"]?["command"]?.sequence?.count == 2)
    #expect(node["nothing"] == nil)
    #expect(node["none"]?.isNull == true)
    #expect(node["none"]?.text == nil)
  }

  @Test func `every node and key knows its place`() throws {
    let node = try YAMLNode(parsing: "a: 1\nb:\n  - x\n  - é: {z: 2}\n")
    let entries = try #require(node.mapping?.entries)
    #expect(entries.map(\.mark) == [YAMLMark(line: 1, column: 1), YAMLMark(line: 2, column: 1)])
    #expect(entries[0].value.mark == YAMLMark(line: 1, column: 4))
    #expect(node["b"]?.mark == YAMLMark(line: 3, column: 3))
    let inner = try #require(node["b"]?.sequence?[1])
    #expect(inner["é"]?["z"]?.mark == YAMLMark(line: 4, column: 12))
  }

  @Test func `an empty document is null`() throws {
    for text in ["", "  \n", "# only words\n", "---\n", "---\n...\n", "~"] {
      #expect(try YAMLNode(parsing: text).isNull)
    }
    #expect(try YAMLNode(parsing: [UInt8]()).isNull)
    #expect(try shown("\u{FEFF}a: 1") == "{a: 1}")
  }

  @Test func `anchors, aliases and merge keys work as compose files use them`() throws {
    let text = """
      x-service: &service
        image: assay
        restart: always
        env: &env {A: 1}
      x-more: &more {restart: never, cpus: 2}
      services:
        store:
          <<: *service
          image: other
        edge:
          extra: yes
          <<: [*service, *more]
          env:
            <<: *env
            B: 2
        copy: *env
      """
    let services = try #require(try YAMLNode(parsing: text)["services"])
    #expect(
      shown(services)
        == "{store: {restart: always, env: {A: 1}, image: other}, "
        + "edge: {image: assay, restart: always, cpus: 2, extra: yes, env: {A: 1, B: 2}}, "
        + "copy: {A: 1}}")
    #expect(services["copy"]?.mark.line == 16)
    #expect(try shown("{'<<': 1}") == "{<<: 1}")
  }

  @Test func `tags are kept`() throws {
    #expect(
      try shown("a: !reset []\nb: !x {}\nc: !!str 1")
        == "{a: <!reset>[], b: <!x>{}, c: <tag:yaml.org,2002:str>1}")
  }

  @Test(
    arguments: [
      ("a: 1\nb: 2\na: 3", YAMLError.Code.duplicateKey("a"), 3, 1),
      ("{a: 1, \"a\": 2}", .duplicateKey("a"), 1, 8),
      ("<<: {}\n<<: {}", .duplicateKey("<<"), 2, 1),
      ("? [a]\n: 1", .keyIsNotScalar, 1, 3), ("{{a: 1}: 2}", .keyIsNotScalar, 1, 2),
      ("x: &a {b: 1}\n*a : 2", .keyIsNotScalar, 2, 1),
      ("a: *b", .unknownAlias, 1, 4), ("a: &a [*a]", .aliasInsideItself, 1, 8),
      ("a: &a {b: *a}", .aliasInsideItself, 1, 11), ("a: 1\n<<: 2", .mergeNeedsMapping, 2, 5),
      ("<<: [{}, 3]", .mergeNeedsMapping, 1, 10), ("a: 1\n---\nb: 2", .secondDocument, 2, 1),
      ("1\n---\n", .secondDocument, 2, 1),
    ] as [(String, YAMLError.Code, Int, Int)])
  func `what has no one meaning is refused at its place`(
    text: String, code: YAMLError.Code, line: Int, column: Int
  ) {
    let error = error(text)
    #expect(error?.code == code)
    #expect(error?.mark == YAMLMark(line: line, column: column))
  }

  @Test(arguments: [
    "a: [1", "a: {", "a: \"x", "a: b: c", "\ta: 1", "a: 'x", "- a\nb", "a: @x", "%YAML 3.0\n---\na",
    "a: \u{1}", "a: \"\\q\"", "*", "&", "!<", "a: |x", "[1, 2}", "]",
  ])
  func `what is no YAML is refused with file, line and column`(text: String) {
    let error = error(text)
    guard case .syntax = error?.code else {
      Issue.record("\(String(describing: error?.code))")
      return
    }
    #expect(error?.description.hasPrefix("f.yaml:") == true)
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    for bytes: [UInt8] in [
      [0x61, 0x3A, 0x20, 0xFF], [0xC3], [0xFF, 0xFE, 0x61, 0x00], [0x61, 0x00], [0xED, 0xA0, 0x80],
    ] {
      #expect(throws: YAMLError.self) { try YAMLNode(parsing: bytes) }
    }
  }

  @Test func `an error reads like a compiler's`() {
    #expect(error("a: 1\na: 2")?.description == "f.yaml:2:1: 'a' is already in this mapping")
  }

  @Test func `laughs are counted before they multiply`() {
    var text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for (name, base) in zip("bcdefghijk", "abcdefghij") {
      text += "\(name): &\(name) [" + (0..<9).map { _ in "*\(base)" }.joined(separator: ",") + "]\n"
    }
    #expect(error(text)?.code == .tooManyNodes(limit: YAMLLimits().nodesMax))
    var merged = "a: &a {k: v}\n"
    for _ in 0..<60_000 { merged += "? {<<: *a}\n" }
    #expect(error(merged) != nil)
    let many = "a: &a [1, 2, 3]\nb: [*a, *a]"
    #expect(error(many, limits: YAMLLimits(nodesMax: 16)) == nil)
    #expect(error(many, limits: YAMLLimits(nodesMax: 15))?.code == .tooManyNodes(limit: 15))
  }

  @Test func `depth is limited, through aliases too`() {
    let limits = YAMLLimits(depthMax: 4)
    #expect(error("[[[[1]]]]", limits: limits) == nil)
    #expect(error("[[[[[1]]]]]", limits: limits)?.code == .tooDeep(limit: 4))
    #expect(error("- &a [[1]]\n- [*a]", limits: limits) == nil)
    #expect(error("- &a [[1]]\n- [[*a]]", limits: limits)?.code == .tooDeep(limit: 4))
    for opening in ["[", "{a: ", "- ", "? ", "[{a: "] {
      let text = String(repeating: opening, count: 200_000 / opening.count)
      #expect(error(text)?.code == .tooDeep(limit: 64) || error(text)?.code == .keyIsNotScalar)
    }
  }

  @Test func `a document that is too long is not looked at`() {
    #expect(error("a: 1", limits: YAMLLimits(bytesMax: 4)) == nil)
    #expect(error("a: 1", limits: YAMLLimits(bytesMax: 3))?.code == .tooManyBytes(limit: 3))
  }

  @Test(arguments: [
    "%TAG !a! tag:x\n", "&a ", "!t ", "a, ", "{a, ", "\"x\" ", "# x\n", "- ", "a: b\n", "'", "|\n",
    "? a\n", "*a ", "a:\n - b\n", "\n", " ", "[a: b, ", "- - a\n",
  ])
  func `a megabyte of anything is read or refused in little time`(piece: String) {
    let text = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
    let clock = ContinuousClock()
    let took = clock.measure { _ = error(text) }
    #expect(took < .seconds(10))
  }

  @Test func `a megabyte of directives or anchors that differ takes little time`() {
    let clock = ContinuousClock()
    for line in ["%TAG !#! tag:x\n", "- &# x\n", "#: x\n", "- {<<: {#: 1}}\n"] {
      let text = (0..<(1 << 20) / 14).map { line.replacing("#", with: "a\($0)") }.joined()
      let took = clock.measure { _ = error(text) }
      #expect(took < .seconds(10), "\(line)")
    }
  }

  @Test func `every beginning is read or refused`() {
    let text = "a: &x [1, \"é\\n\", 'q']\nb: {<<: {k: *x}, c: |\n  text\n}\n"
    for count in 0..<text.utf8.count {
      _ = try? YAMLNode(parsing: [UInt8](text.utf8.prefix(count)))
    }
  }

  @Test func `random and mutated bytes never trap`() {
    var random = SeededRandom("YAMLNodeTests")
    let sample = [UInt8](
      "a: &x [1, \"é\\n\", 'q']\nb:\n  <<: {k: *x}\n  c: |\n    text\n? d\n: - e\n  - !t f\n".utf8)
    let alphabet = [UInt8]("ab:-?[]{}&*!|>'\"%@#,\n \t<".utf8) + [0xC3, 0xA9, 0, 0xFF]
    for round in 0..<8000 {
      let bytes =
        round % 2 == 0 ? random.mutation(of: sample) : random.bytes(countMax: 40, from: alphabet)
      guard let node = try? YAMLNode(parsing: bytes) else { continue }
      #expect(!shown(node).isEmpty || node.isNull || node.text == "")
    }
  }
}
