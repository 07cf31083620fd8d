import Faults
import GatewayContract
import RunEngine
import ScoreContract

/// The gateway of a simulated world: a call key is paid once, a reply is durable when it is
/// settled, and a crash leaves what was sent uncertain. It keeps its own bill.
final class SimulatedGateway {
  struct Call {
    enum State {
      case inFlight
      case settled(GenerateResponse)
      case uncertain
    }
    var state = State.inFlight
    let boundNanos: Int64
    let asked: [ScriptedModel.Asked]
    /// First asked for by somebody who owned the run no more.
    let isStale: Bool
    var waiting: [(Result<GenerateResponse, Fault>) -> Void] = []

    var chargedNanos: Int64 {
      guard case .settled(let response) = state else { return boundNanos }
      return response.usage?.costNanos ?? 0
    }
  }

  private(set) var calls: [String: Call] = [:]
  private var answered: Set<String> = []
  var violations: [String] = []

  /// What is charged, or may be, for calls of those who owned the run when they asked.
  var exposureNanos: Int64 {
    calls.values.reduce(0) { $0 + ($1.isStale ? 0 : $1.chargedNanos) }
  }

  /// Takes a call in. `later` does something when the provider has answered.
  func generate(
    _ request: GenerateRequest, isStale: Bool, trouble: Fault?,
    later: (@escaping () -> Void) -> Void,
    answer: @escaping (Result<GenerateResponse, Fault>) -> Void
  ) {
    let key = request.callKey
    switch calls[key]?.state {
    case .settled(var response):
      response.isReplay = true
      return answer(.success(response))
    case .uncertain:
      let bound = calls[key]?.boundNanos ?? 0
      return answer(
        .failure(
          Fault(
            .unavailable, reason: "CALL_UNCERTAIN", "Nobody knows.",
            facts: ["cost_nanos": String(bound)])))
    case .inFlight:
      calls[key]?.waiting.append(answer)
      return
    case nil: break
    }
    if let trouble { return answer(.failure(trouble)) }
    let asked = ScriptedModel.asked(request)
    switch ScriptedModel.answer(request) {
    case .fault(let fault): answer(.failure(fault))
    case .reply(let response):
      for unit in asked where answered.contains(unit.text) {
        violations.append("'\(unit.text)' is paid for again, though it was answered.")
      }
      var call = Call(
        boundNanos: ScriptedWorkload.boundNanos * Int64(asked.count), asked: asked,
        isStale: isStale)
      call.waiting = [answer]
      calls[key] = call
      later { [weak self] in self?.settle(key, response) }
    }
  }

  private func settle(_ key: String, _ response: GenerateResponse) {
    guard var call = calls[key], case .inFlight = call.state else { return }
    call.state = .settled(response)
    let waiting = call.waiting
    call.waiting = []
    calls[key] = call
    let ids = Set(ScriptedModel.answered(response))
    answered.formUnion(call.asked.filter { ids.contains($0.id) }.map(\.text))
    for answer in waiting { answer(.success(response)) }
  }

  func lookUp(_ key: String) -> GetCallResponse {
    switch calls[key]?.state {
    case nil: GetCallResponse(state: .unknownCall)
    case .inFlight: GetCallResponse(state: .inFlight)
    case .uncertain: GetCallResponse(state: .uncertain)
    case .settled(let response): GetCallResponse(state: .settled, response: response)
    }
  }

  /// Whoever waits hears nothing; what was sent is charged at its bound.
  func crash() {
    for key in calls.keys.sorted() {
      guard case .inFlight = calls[key]?.state else { continue }
      calls[key]?.state = .uncertain
      calls[key]?.waiting = []
    }
  }
}
