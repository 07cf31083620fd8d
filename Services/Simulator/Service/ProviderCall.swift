import EventLoop
import JSON
import SimulatorModel
import SimulatorScript
import Telemetry

/// One call through: checked, struck by what the script says, limited, answered, billed, sent.
final class ProviderCall {
  let simulation: Simulation
  let http: HTTPRequest
  let connection: HTTPConnection
  let dialect: Dialect
  let names: CallNames
  private(set) var key = ""
  private var record = -1
  private var strike: FaultScript.Strike?
  private var value = JSONValue.null
  /// What limits say in the answer's head.
  private var limitHeaders: RateLimiter.Headers = []

  init(
    _ simulation: Simulation, _ http: HTTPRequest, _ connection: HTTPConnection,
    _ dialect: Dialect
  ) {
    self.simulation = simulation
    self.http = http
    self.connection = connection
    self.dialect = dialect
    names = simulation.names(for: dialect)
  }

  func run() {
    record = simulation.begin { number in
      CallRecord(
        number: number, arrival: simulation.elapsed, requestID: names.request, path: http.path,
        key: "", inFlight: simulation.inFlight)
    }
    do throws(ProviderError) {
      key = try simulation.authenticate(http, dialect)
      simulation.change(record) { $0.key = key }
      if dialect.isAnthropic { try Simulation.check(bodyOf: http) }
      value = try Simulation.json(http, dialect)
    } catch {
      return refuse(error)
    }
    guard simulation.hasRoomForBill else { return refuse(noRoomForBill) }
    strike = findStrike()
    guard let strike else { return proceed() }
    simulation.change(record) { $0.fault = strike.fault.rawValue }
    switch strike.fault.stage {
    case .refusal: refuse(RefusalFault.answer(to: self, strike))
    case .connection where !strike.options.isBilled: breakConnection(strike)
    case .timing:
      let delay = Duration.milliseconds(strike.options.delayMilliseconds)
      simulation.loop.schedule(after: delay) { self.proceed() }
    default: proceed()
    }
  }

  private var noRoomForBill: ProviderError {
    ProviderError(
      500, dialect.isAnthropic ? "api_error" : "server_error",
      "The bill in memory is full: give the simulator a file for it (simulator.bill).")
  }

  private func findStrike() -> FaultScript.Strike? {
    guard !simulation.script.isEmpty else { return nil }
    return simulation.script.strike(
      CallFacts(
        dialect: dialect, path: http.path, key: key, model: value["model"]?.stringValue ?? "",
        isStream: value["stream"] == .bool(true), headers: http.headers, body: http.body))
  }

  // MARK: - An answer is made

  private func proceed() {
    let request: PromptRequest
    do throws(ProviderError) {
      request =
        dialect.isAnthropic
        ? try MessagesReader.read(value, for: .answer)
        : try OpenAIReader.read(value, as: dialect)
    } catch {
      return refuse(error)
    }
    value = .null
    simulation.change(record) {
      $0.model = request.model.id
      $0.isStream = request.isStream
    }
    let plan = simulation.cache.plan(request, scope: key, now: simulation.now)
    switch simulation.limiter.admit(
      request, plan.usage, scope: key, now: simulation.now, wall: WallTime.now())
    {
    case nil: break
    case .admitted(let headers)?: limitHeaders = headers
    case .refused(let error, let seconds, let headers)?:
      limitHeaders = headers + [("retry-after", String(seconds))]
      return refuse(error)
    }
    let reply = makeReply(request, plan)
    let law = simulation.latency
    guard !law.isZero else { return deliver(reply, plan) }
    var wait = law.first(seed: strike?.seed ?? UInt64(record))
    if !request.isStream { wait += law.tokens(reply.usage.output) }
    simulation.loop.schedule(after: .nanoseconds(Int64(wait))) { self.deliver(reply, plan) }
  }

  private func makeReply(_ request: PromptRequest, _ plan: PromptCache.Plan) -> Reply {
    var answer = Answer.make(for: request, seed: simulation.options.seed)
    if let strike, strike.fault.stage == .answer {
      AnswerFault.bend(&answer, strike.fault, strike.options, seed: strike.seed)
    }
    var usage = plan.usage
    usage.output = answer.outputTokens
    var reply = Reply(request, names, answer, usage)
    switch strike?.fault {
    case .usageMissing: reply.shownUsage = .missing
    case .usageZero: reply.shownUsage = .zero
    case .usageAbsurd: reply.shownUsage = .absurd
    case .usageShrinking: reply.shownUsage = .shrinking
    case .wrongModel:
      let name = strike?.options.text ?? ""
      reply.modelName = name.isEmpty ? "another-model" : name
    default: break
    }
    return reply
  }

  private func deliver(_ reply: Reply, _ plan: PromptCache.Plan) {
    let atOnce = !reply.request.isStream || strike.map { $0.fault.stage == .body } ?? false
    if let strike, strike.fault.stage == .connection {
      return bill(reply, status: 0) { self.breakConnection(strike) }
    }
    guard atOnce else { return StreamPlayer(self, reply, plan, strike).start() }
    bill(reply, status: 200) {
      self.simulation.cache.answerBegan(plan)
      self.simulation.limiter.produced(
        reply.request, outputTokens: reply.usage.output, scope: self.key,
        now: self.simulation.now)
      self.sendWhole(reply)
    }
  }

  /// Bills and logs; then the answer may leave.
  func bill(
    _ reply: Reply, status: Int, phase: BillLine.Phase = .end, then done: @escaping () -> Void
  ) {
    simulation.change(record) {
      $0.usage = reply.usage
      $0.status = status
    }
    let time = WallTime.now()
    var line = BillLine(
      time: UInt64(time.seconds) * 1_000_000_000 + UInt64(time.nanoseconds),
      requestID: names.request, callKey: http.header("x-assay-call-key"),
      attempt: http.header("x-assay-attempt"), key: key, request: reply.request,
      usage: reply.usage, status: status)
    line.phase = phase
    simulation.bill(line, then: done)
  }

  // MARK: - Out

  /// The head of an answer of this call.
  func answer(_ status: Int = 200) -> HTTPAnswer {
    var answer = HTTPAnswer(status: status)
    answer.headers = HTTPAnswer.nameHeaders(dialect, names) + limitHeaders
    return answer
  }

  private func sendWhole(_ reply: Reply) {
    var answer = answer()
    if reply.request.isStream {
      answer.contentType = "text/event-stream; charset=utf-8"
      for part in reply.stream() { answer.body += part.bytes }
    } else {
      answer.body = reply.body()
    }
    end()
    if let strike, strike.fault.stage == .body {
      return WireFault(
        strike: strike, answer: answer, connection: connection, loop: simulation.loop
      )
      .perform()
    }
    connection.write(answer.bytes(isKeptAlive: http.isKeptAlive))
    connection.finish(isKeptAlive: http.isKeptAlive)
  }

  func refuse(_ error: ProviderError) {
    var answer = answer(error.status)
    answer.body = error.body(dialect, requestID: names.request)
    refuse(answer)
  }

  private func refuse(_ answer: HTTPAnswer) {
    simulation.change(record) { $0.status = answer.status }
    end()
    connection.write(answer.bytes(isKeptAlive: http.isKeptAlive))
    connection.finish(isKeptAlive: http.isKeptAlive)
  }

  private func breakConnection(_ strike: FaultScript.Strike) {
    end()
    ConnectionFault.perform(strike, on: connection)
  }

  /// Out of the calls under way.
  func end() { simulation.end(record) }
}
