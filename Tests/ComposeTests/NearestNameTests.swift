import Compose
import Testing

@Suite struct NearestNameTests {
  private let names = [
    "environment", "volumes", "command", "depends_on", "up", "down", "completion",
  ]

  @Test(arguments: [
    ("enviroment", "environment"), ("volume", "volumes"), ("comand", "command"),
    ("commnad", "command"), ("dependson", "depends_on"), ("UP", "up"), ("pu", "up"),
    ("comp", "completion"), ("donw", "down"),
  ])
  func `a slip of the pen finds the name that was meant`(_ wrong: String, _ right: String) {
    #expect(NearestName.of(wrong, among: names) == right)
  }

  @Test(arguments: ["", "xyzzy", "c", String(repeating: "volumes", count: 20)])
  func `what resembles nothing is not guessed at`(_ wrong: String) {
    #expect(NearestName.of(wrong, among: names) == nil)
  }
}
