package import EventLoop
import Faults
package import GatewayContract
package import RPC
import ScoreContract

/// assay.gateway.v1.Gateway without a provider: one payment a call key, and the same answer for
/// ever, also after it was started anew over the same log.
package actor StandInGateway: GeneratesOnly, LoopActor {
  package nonisolated let loop: EventLoop
  private let script: StandInScript
  private let log: PaymentLog
  private var settled: [String: Payment] = [:]
  private var running: [String: Task<GenerateResponse, any Error>] = [:]
  private var askings: [String: Int] = [:]
  /// How often a run has paid for the same content.
  private var occasions: [Occasion: Int] = [:]

  private struct Occasion: Hashable {
    let runID: String
    let content: String
  }

  /// Knows what the log says was paid before.
  package init(script: StandInScript, logPath: String, loop: EventLoop) throws {
    self.loop = loop
    self.script = script
    log = try PaymentLog(path: logPath)
    for payment in try PaymentLog.read(logPath) {
      settled[payment.callKey] = payment
      occasions[Occasion(runID: payment.runID, content: payment.content), default: 0] += 1
    }
  }

  /// For servers that know no more of a gateway than that it is one.
  package nonisolated var service: ServiceDefinition { definition }

  package func generate(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> GenerateResponse {
    let key = try checked(request.callKey)
    if let payment = settled[key] { return try replay(payment) }
    if let call = running[key] { return try await call.value }
    guard running.count < StandInLimits.callsMax else {
      throw Fault(
        .resourceExhausted, reason: "TOO_MANY_CALLS", "The stand-in has its limit of calls.",
        retryAfter: .milliseconds(50), facts: ["limit": "calls"])
    }
    // Of nobody's task: once a provider was asked it answers and is paid, whoever has gone.
    let call = Task(executorPreference: loop) { try await self.make(request) }
    running[key] = call
    return try await call.value
  }

  package func getCall(
    _ request: GetCallRequest, context: ServerContext
  ) async throws -> GetCallResponse {
    let key = try checked(request.callKey)
    var response = GetCallResponse()
    if let payment = settled[key] {
      response.state = payment.response == nil ? .uncertain : .settled
      response.response = payment.response
    } else {
      response.state = running[key] == nil ? .unknownCall : .inFlight
    }
    return response
  }

  private func make(_ request: GenerateRequest) async throws -> GenerateResponse {
    let key = request.callKey
    defer { running[key] = nil }
    let asking = askings[key, default: 0]
    askings[key] = asking + 1
    if let refusal = script.refusal(of: key, asking: asking) { throw refusal.fault }
    let latency = script.latency(of: key)
    if latency > .zero { try await loop.sleep(for: latency) }
    let occasion = Occasion(runID: request.runId, content: Payment.content(of: request))
    let number = occasions[occasion, default: 0]
    occasions[occasion] = number + 1
    let words = "\(occasion.content)#\(number)"
    let response = StandInAnswer(to: request, on: words, by: script).response
    let payment = Payment(request, response, isLost: script.isUncertain(words))
    try await log.append(payment)
    askings[key] = nil
    settled[key] = payment
    return try answer(payment)
  }

  private func replay(_ payment: Payment) throws -> GenerateResponse {
    var response = try answer(payment)
    response.isReplay = true
    return response
  }

  private func answer(_ payment: Payment) throws -> GenerateResponse {
    guard let response = payment.response else {
      throw Fault(
        .aborted, reason: "CALL_UNCERTAIN",
        "The call \(payment.callKey) was sent, and nobody knows what became of it.",
        facts: ["cost_nanos": String(payment.costNanos)])
    }
    return response
  }

  private func checked(_ key: String) throws -> String {
    guard (1...StandInLimits.callKeyBytesMax).contains(key.utf8.count) else {
      throw Fault(
        .invalidArgument, reason: "BAD_CALL_KEY", "A call key has 1 to 255 bytes.",
        violations: [.init(field: "call_key", description: "1 to 255 bytes")])
    }
    return key
  }
}
