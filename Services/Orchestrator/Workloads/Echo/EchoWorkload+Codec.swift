package import Faults
import GatewayContract
import JSON
package import OrchestratorContract
package import RunEngine
import ScoreContract

extension EchoWorkload {
  /// The stand-in's prices, until the gateway can be asked for those of a model.
  private static let nanosPerInputToken: Int64 = 1_000
  private static let nanosPerOutputToken: Int64 = 5_000
  private static let bytesPerToken = 4

  package func render(_ batch: Batch, of spec: RunSpec) throws(Fault) -> ModelCall {
    guard case .echo(let echo) = spec.subject else {
      throw Fault(.internal, reason: "BAD_SPEC", "The spec of this run is not echo's.")
    }
    let items = EchoPrompt.items(of: batch)
    let outputMax = batch.units.count * EchoWorkload.outputTokensPerText + 64
    let input = (EchoPrompt.system.utf8.count + items.utf8.count) / Self.bytesPerToken + 1
    let inputNanos = Int64(input) * Self.nanosPerInputToken
    let expectedOutput = batch.units.count * 20 + 4
    return ModelCall(
      model: echo.model.isEmpty ? "echo-1" : echo.model,
      blocks: [
        Block(role: .system, text: EchoPrompt.system, isCacheBreakpoint: true),
        Block(role: .user, text: items),
      ],
      output: OutputSpec(mode: .jsonSchema, schema: EchoPrompt.schema),
      outputTokensMax: outputMax, prefixReuses: Self.callCount(echo) - 1,
      cost: CostBound(
        leastNanos: inputNanos,
        expectedNanos: inputNanos + Int64(expectedOutput) * Self.nanosPerOutputToken,
        mostNanos: inputNanos + Int64(outputMax) * Self.nanosPerOutputToken))
  }

  /// All of them begin with the same instructions.
  private static func callCount(_ echo: EchoSpec) -> Int {
    let perCall = echo.textsPerCall == 0 ? textsPerCallDefault : Int(echo.textsPerCall)
    return (echo.texts.count + perCall - 1) / perCall
  }

  package func read(_ reply: ModelReply, for batch: Batch, of spec: RunSpec) -> [UnitOutcome] {
    switch reply.finish {
    case .length:
      return batch.units.map { _ in .unusable(Failure(.truncated, "the answer was cut off")) }
    case .refusal:
      return batch.units.map { _ in .failed(Failure(.refused, "the model refused")) }
    default: break
    }
    guard let items = (try? JSONValue(parsing: reply.text))?["items"]?.arrayValue else {
      return batch.units.map { _ in .unusable(Failure(.unparsable, "the answer is no list")) }
    }
    var byID: [String: JSONValue] = [:]
    var doubled: Set<String> = []
    for item in items {
      guard let id = item["id"]?.stringValue else { continue }
      // Two answers for one id: neither is believed.
      if byID.updateValue(item, forKey: id) != nil { doubled.insert(id) }
    }
    return batch.units.map { unit in
      if doubled.contains(unit.id) {
        return .unusable(Failure(.invalid, "the answer has \(unit.id) twice"))
      }
      guard let item = byID[unit.id] else {
        return .unusable(Failure(.missing, "the answer leaves out \(unit.id)"))
      }
      return outcome(of: item)
    }
  }

  private func outcome(of item: JSONValue) -> UnitOutcome {
    guard let score = item["score"]?.intValue else {
      return .unusable(Failure(.invalid, "the score is no whole number"))
    }
    guard (0...100).contains(score) else {
      return .unusable(Failure(.outOfRange, "the score \(score) is not from 0 to 100"))
    }
    var value = Value()
    value.kind = .number(Double(score))
    value.scale = Scale(least: 0, most: 100, step: 1)
    return .verdict(VerdictDraft(value: value, reasoning: item["reasoning"]?.stringValue ?? ""))
  }
}

extension Failure {
  /// A failure of one answer; how many calls were spent on it the engine knows.
  fileprivate init(_ reason: Failure.Reason, _ detail: String) {
    self.init(reason: reason, detail: detail, isRetryable: true)
  }
}
