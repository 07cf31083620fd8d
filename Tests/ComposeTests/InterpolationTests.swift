import Compose
import Testing

@Suite struct InterpolationTests {
  private let variables = ["NAME": "value", "EMPTY": "", "B": "bee"]

  @Test(arguments: [
    ("plain", "plain"), ("", ""), ("$NAME", "value"), ("${NAME}", "value"),
    ("a${NAME}b$NAME-c", "avaluebvalue-c"), ("$$NAME", "$NAME"), ("$$$$", "$$"),
    ("${NAME:-x}", "value"), ("${EMPTY:-x}", "x"), ("${EMPTY-x}", ""), ("${NONE-x}", "x"),
    ("${NONE:-}", ""), ("${NONE:-${B}}", "bee"), ("${NONE:-a${NONE2:-${B}}c}", "abeec"),
    ("${NONE:-{x}}", "{x}"), ("${NAME:+y}", "y"), ("${EMPTY:+y}", ""), ("${EMPTY+y}", "y"),
    ("${NONE+y}", ""), ("${NAME:?m}", "value"), ("${EMPTY?m}", ""), ("${NONE:-$$}", "$"),
    ("é${NAME}ü", "évalueü"), ("${NONE:-docker.io/x:1-slim}", "docker.io/x:1-slim"),
  ])
  func `a value is expanded as Compose does`(_ text: String, _ expected: String) throws {
    var interpolation = Interpolation(variables: variables)
    #expect(try interpolation.expand(text) == expected)
    #expect(interpolation.unsetNames.isEmpty)
  }

  @Test(arguments: [
    ("$", "a $ must be followed by a variable's name"),
    ("5$ each", "a $ must be followed by a variable's name"),
    ("$1", "a $ must be followed by a variable's name"),
    ("${}", "a $ must be followed by a variable's name"),
    ("${1A}", "a $ must be followed by a variable's name"),
    ("${NAME", "${ is never closed"), ("${NAME:-${B}", "${ is never closed"),
    ("${NAME!x}", "${NAME!x} is not understood"), ("${NAME:x}", "${NAME:x} is not understood"),
    ("${NONE:?say ${B}}", "NONE is not set: say bee"), ("${NONE?}", "NONE is not set"),
    ("${EMPTY:?no}", "EMPTY is not set: no"),
  ])
  func `what Compose refuses is refused`(_ text: String, _ message: String) {
    var interpolation = Interpolation(variables: variables)
    let failure = #expect(throws: Interpolation.Failure.self) { try interpolation.expand(text) }
    #expect(failure?.message == message)
  }

  @Test func `a name without a value becomes nothing and is remembered`() throws {
    var interpolation = Interpolation(variables: variables)
    #expect(try interpolation.expand("a${NONE}b$OTHER") == "ab")
    #expect(interpolation.unsetNames == ["NONE", "OTHER"])
  }

  @Test func `nesting and growth end at their limits`() throws {
    var deep = "x"
    for _ in 0..<ComposeLimits.interpolationDepthMax { deep = "${NONE:-\(deep)}" }
    var interpolation = Interpolation(variables: ["BIG": String(repeating: "b", count: 40_000)])
    #expect(throws: Interpolation.Failure.self) { try interpolation.expand(deep) }
    #expect(throws: Interpolation.Failure.self) { try interpolation.expand("$BIG$BIG") }
    #expect(try interpolation.expand("$BIG").count == 40_000)
  }

  @Test func `any text ends in a value or a failure`() {
    var generator = SystemRandomNumberGenerator()
    let letters = Array("$${}AB:-?+ é")
    for _ in 0..<5_000 {
      let count = Int.random(in: 0..<24, using: &generator)
      let text = String((0..<count).compactMap { _ in letters.randomElement(using: &generator) })
      var interpolation = Interpolation(variables: variables)
      _ = try? interpolation.expand(text)
    }
  }
}
