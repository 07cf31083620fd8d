import Faults
import GatewayContract
import OrchestratorContract
import RunEngine
import RunWorkloads
import ScoreContract
import Testing

/// The planner and the codec of `echo`, on values alone.
@Suite struct EchoWorkloadTests {
  private let workload = EchoWorkload()

  private func spec(_ texts: [String], model: String = "m") -> RunSpec {
    RunSpec(workload: "echo", subject: .echo(EchoSpec(texts: texts, model: model)))
  }

  private func batch(_ texts: [String]) throws -> Batch {
    let stage = try workload.plan(spec(texts)).stages[0]
    return Batch(
      id: "0", stage: 0,
      units: (0..<stage.unitCount).map { index in
        let unit = stage.unit(index)
        return BatchUnit(
          id: unit.id, ordinal: Int64(index), subject: unit.subject, rubricHash: unit.rubricHash,
          key: unit.key, payload: unit.payload, tries: 0)
      })
  }

  private func read(_ text: String, _ texts: [String], finish: GenerateResponse.Finish = .stop)
    throws -> [UnitOutcome]
  {
    workload.read(
      ModelReply(model: "m", text: text, finish: finish), for: try batch(texts), of: spec(texts))
  }

  private func reason(_ outcome: UnitOutcome) -> Failure.Reason? {
    switch outcome {
    case .unusable(let failure), .failed(let failure): failure.reason
    case .verdict, .undetermined: nil
    }
  }

  private func number(_ outcome: UnitOutcome) -> Double? {
    guard case .verdict(let draft) = outcome, case .number(let number) = draft.value?.kind
    else { return nil }
    return number
  }

  @Test func `a plan has a unit a text, and names that follow from content`() throws {
    let one = try workload.plan(spec(["a", "b", "a"])).stages[0]
    let other = try workload.plan(spec(["a", "b", "a"])).stages[0]
    #expect(one.unitCount == 3)
    #expect((0..<3).allSatisfy { one.unit($0) == other.unit($0) })
    #expect(one.unit(0).key == one.unit(2).key)
    #expect(one.unit(0).key != one.unit(1).key)
    #expect(Set((0..<3).map { one.unit($0).id }).count == 3)
    let elsewhere = try workload.plan(spec(["a"], model: "another")).stages[0]
    #expect(elsewhere.unit(0).key != one.unit(0).key)
  }

  @Test func `a spec that cannot be run is refused with its field`() {
    func refusal(_ spec: RunSpec) -> Fault? {
      do throws(Fault) {
        _ = try workload.plan(spec)
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal(RunSpec(workload: "echo"))?.violations.first?.field == "spec.echo")
    #expect(refusal(spec([]))?.violations.first?.field == "spec.echo.texts")
    let long = String(repeating: "x", count: 20_000)
    #expect(refusal(spec(["a", long]))?.violations.first?.field == "spec.echo.texts[1]")
    #expect(refusal(spec(["a"])) == nil)
  }

  @Test func `what is asked is what was planned, at a price with a bound`() throws {
    let call = try workload.render(try batch(["a", "b\n\"c"]), of: spec(["a", "b\n\"c"]))
    #expect(
      call.blocks.last?.text
        == #"{"items":[{"id":"text-0","text":"a"},{"id":"text-1","text":"b\n\"c"}]}"#)
    #expect(call.cost.leastNanos <= call.cost.expectedNanos)
    #expect(call.cost.expectedNanos <= call.cost.mostNanos)
  }

  @Test func `a call says how many more begin with the same instructions`() throws {
    let texts = (0..<23).map { "text \($0)" }
    let call = try workload.render(try batch(["a"]), of: spec(texts))
    // Five texts a call.
    #expect(call.prefixReuses == 4)
    #expect(try workload.render(try batch(["a"]), of: spec(["a"])).prefixReuses == 0)
  }

  @Test func `scores go to their ids in whatever order they come`() throws {
    let answer =
      #"{"items":[{"id":"text-1","score":7,"reasoning":"r"},{"id":"text-0","score":100}]}"#
    #expect(try read(answer, ["a", "b"]).map(number) == [100, 7])
  }

  @Test func `what cannot be used never becomes a score`() throws {
    let answer = #"""
      {"items":[{"id":"text-0","score":101},{"id":"text-1","score":"7"},{"id":"text-3","score":1},
      {"id":"text-3","score":2},{"id":"text-9","score":5},{"id":"text-4","score":1e999},
      {"id":"text-5","score":null},{"id":"text-6","score":0}]}
      """#
    let outcomes = try read(answer, ["a", "b", "c", "d", "e", "f", "g"])
    #expect(
      outcomes.map(reason)
        == [.outOfRange, .invalid, .missing, .invalid, .invalid, .invalid, nil])
    #expect(number(outcomes[6]) == 0)
  }

  @Test func `any reply gives each unit exactly one outcome`() throws {
    for text in ["", "[]", "{}", "null", "\u{FEFF}{}", #"{"items":{}}"#, "```json\n{}\n```"] {
      #expect(try read(text, ["a", "b"]).map(reason) == [.unparsable, .unparsable])
    }
    #expect(try read("", ["a", "b"], finish: .length).map(reason) == [.truncated, .truncated])
    #expect(try read("", ["a"], finish: .refusal).map(reason) == [.refused])
  }

  @Test func `an unknown workload is refused with those there are`() {
    let fault = #expect(throws: Fault.self) { _ = try WorkloadTable.workload("nonsense") }
    #expect(fault?.reason == "UNKNOWN_WORKLOAD")
    #expect(fault?.hint?.contains("echo") == true)
  }
}
