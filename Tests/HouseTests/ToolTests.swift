import Glibc
import Testing

/// What only the tools themselves can say: is it formatted, is generated code fresh, do scripts
/// parse.
@Suite(.timeLimit(.minutes(10))) struct ToolTests {
  @Test func `every Swift source is formatted`() {
    let lint = Command("scripts/lint")
    #expect(lint.status == 0, "make format mends this:\n\(lint.output)")
  }

  /// The generator beside this test's own executable: `swift test` has the build folder locked, so
  /// generate.sh could not build one.
  private static let givesGenerator =
    #"export ASSAY_PROTOGEN="$(dirname "$(readlink /proc/$PPID/exe)")/assay-protogen""#

  static let canGenerate =
    Command(
      """
      \(givesGenerator) && test -x "$ASSAY_PROTOGEN" && test -x proto/generate.sh \
        && command -v protoc && command -v protoc-gen-c
      """
    ).status == 0

  @Test(.enabled(if: canGenerate, "protoc-c or the built generator is missing"))
  func `generated code is what the protos say`() {
    let check = Command("\(Self.givesGenerator) && proto/generate.sh --check")
    #expect(check.status == 0, "make generate mends this:\n\(check.output)")
  }

  @Test func `shell scripts parse and stop at the first error`() {
    let scripts = SourceTree.repository.files.filter { file in
      file.lines.first?.hasPrefix("#!") == true && file.lines[0].hasSuffix("bash")
    }
    #expect(scripts.contains { $0.path == ".ci/run" })
    for script in scripts {
      let parsed = Command("bash -n '\(script.path)' && test -x '\(script.path)'")
      #expect(parsed.status == 0, "\(script.path): \(parsed.output)")
      #expect(
        script.lines.contains {
          $0.hasPrefix("set -euo pipefail") || $0.hasPrefix("set -uo pipefail")
        },
        "\(script.path) does not set -euo pipefail")
    }
  }

  @Test func `make targets are scripts that exist`() throws {
    let makefile = try #require(SourceTree.repository.file("Makefile"))
    let recipes = makefile.lines.filter { $0.hasPrefix("\t@") }
    let scripts = recipes.compactMap {
      $0.dropFirst(2).split(separator: " ").first.map(String.init)
    }
    for script in scripts where script.contains("/") {
      #expect(SourceTree.repository.file(script) != nil, "Makefile calls \(script)")
    }
  }

  @Test func `continuous integration runs make test`() throws {
    let run = try #require(SourceTree.repository.file(".ci/run"))
    #expect(run.lines.contains { $0.hasSuffix("make test") })
  }

  @Test func `bootstrap has nothing to do on a machine that builds this`() {
    let clock = ContinuousClock()
    let began = clock.now
    let bootstrap = Command("scripts/bootstrap")
    #expect(bootstrap.status == 0 && bootstrap.output.isEmpty, "\(bootstrap.output)")
    #expect(clock.now - began < .seconds(5), "bootstrap should not take \(clock.now - began)")
  }
}
