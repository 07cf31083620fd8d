import JSON
import SimulatorModel
import SimulatorScript
import TestSupport
import Testing

/// Rules: whom they mean, how often they strike, and what is no rule.
@Suite struct FaultScriptTests {
  private func facts(_ body: String = "", model: String = "m", isStream: Bool = false) -> CallFacts
  {
    CallFacts(
      dialect: .messages, path: "/v1/messages", key: "sim-a", model: model, isStream: isStream,
      headers: [("x-a", "1")], body: Array(body.utf8))
  }

  @Test func `every fault has a line in the table, and a stage`() {
    for fault in FaultName.allCases { #expect(!fault.explanation.isEmpty, "\(fault)") }
    #expect(FaultName.allCases.count >= 40)
  }

  @Test func `the first rule that strikes wins, and each strikes as often as it says`() throws {
    let text = """
      {"rules":[{"fault":"close","match":{"contains":"bad"}},
      {"fault":"server-error","match":{"from":2,"every":2},"times":2}]}
      """
    var script = try FaultScript(try JSONValue(parsing: text))
    let struck = ["", "x", "bad", "", "y", "", "z"].map {
      script.strike(facts($0))?.fault.rawValue ?? "-"
    }
    #expect(struck == ["-", "server-error", "close", "-", "server-error", "-", "-"])
  }

  @Test func `faults of streams leave other calls alone`() throws {
    var script = try FaultScript(
      try JSONValue(parsing: #"{"rules":[{"fault":"stream-cut","times":1}]}"#))
    #expect(script.strike(facts()) == nil)
    #expect(script.strike(facts(isStream: true))?.fault == .streamCut)
  }

  @Test func `chance is the seed's, and about as often as it says`() throws {
    var random = SeededRandom("chance")
    let seed = random.next() >> 1
    let value = try JSONValue(
      parsing: #"{"seed":\#(seed),"rules":[{"fault":"close","probability":0.1}]}"#)
    var (first, second) = (try FaultScript(value), try FaultScript(value))
    let hits = (0..<5000).map { _ in first.strike(facts()) != nil }
    #expect(hits == (0..<5000).map { _ in second.strike(facts()) != nil })
    #expect((350...650).contains(hits.count { $0 }))
  }

  @Test(arguments: [
    #"{"rules":[{"fault":"nothing"}]}"#, #"{"rules":[{"fault":"close","wiht":{}}]}"#,
    #"{"rules":[{"fault":"close","with":{"second":1}}]}"#,
    #"{"rules":[{"fault":"close","match":{"modle":"x"}}]}"#, #"{"rules":[7]}"#,
  ])
  func `what would do nothing by mistake is refused`(_ text: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(throws: FaultScript.Problem.self) { try FaultScript(value) }
  }
}
