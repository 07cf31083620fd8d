import EventLoop
import SimulatorModel
import SimulatorScript

/// Plays one stream: its events over time, what a fault does to them, and the two bills.
final class StreamPlayer {
  private let call: ProviderCall
  private var reply: Reply
  private let plan: PromptCache.Plan
  private let score: StreamFault.Score
  private var next = 0
  private var producedTokens = 0
  private var isOver = false
  private var isBilled = false
  private var timer: LoopTimer?

  private var simulation: Simulation { call.simulation }

  init(
    _ call: ProviderCall, _ reply: Reply, _ plan: PromptCache.Plan, _ strike: FaultScript.Strike?
  ) {
    self.call = call
    self.reply = reply
    self.plan = plan
    score = StreamFault.score(reply, strike)
  }

  /// Bills the input, then begins.
  func start() {
    var input = reply
    input.usage.output = 0
    call.bill(input, status: 200, phase: .start) { self.begin() }
  }

  private func begin() {
    var answer = call.answer()
    answer.contentType = "text/event-stream; charset=utf-8"
    answer.headers.append(("cache-control", "no-cache"))
    call.connection.onGone = { [self] in clientHasGone() }
    call.connection.write(answer.head(.chunks, isKeptAlive: call.http.isKeptAlive))
    simulation.cache.answerBegan(plan)
    play()
  }

  /// Sends what is due: everything at once without a latency law, else one delta at its time.
  private func play() {
    guard !isOver else { return }
    let law = simulation.latency
    var bytes: [UInt8] = []
    while next < score.parts.count {
      let part = score.parts[next]
      if part.kind == .closing, !isBilled {
        send(bytes)
        return billWhole()
      }
      bytes += HTTPAnswer.chunk(part.bytes)
      next += 1
      producedTokens += part.tokens
      guard part.kind == .delta, law.perTokenNanoseconds > 0 || score.pause > .zero else {
        continue
      }
      send(bytes)
      let wait = Duration.nanoseconds(Int64(law.tokens(part.tokens))) + score.pause
      timer = simulation.loop.schedule(after: wait) { self.play() }
      return
    }
    send(bytes)
    finish()
  }

  private func send(_ bytes: [UInt8]) {
    if !bytes.isEmpty { call.connection.write(bytes) }
  }

  /// All deltas have left: the bill is whole before the events that say so.
  private func billWhole() {
    isBilled = true
    produced(reply.usage.output)
    call.bill(reply, status: 200) { self.play() }
  }

  /// A stream that ends early costs what was made until then.
  private func billProduced(inFull: Bool, then done: @escaping () -> Void) {
    guard !isBilled else { return done() }
    isBilled = true
    if !inFull { reply.usage.output = min(producedTokens, reply.usage.output) }
    produced(reply.usage.output)
    call.bill(reply, status: 200, then: done)
  }

  private func produced(_ tokens: Int) {
    simulation.limiter.produced(
      reply.request, outputTokens: tokens, scope: call.key, now: simulation.now)
  }

  private func finish() {
    let connection = call.connection
    let isKeptAlive = call.http.isKeptAlive
    if score.ending == .endless { return goOn(0) }
    isOver = true
    billProduced(inFull: false) { [call, score] in
      call.end()
      switch score.ending {
      case .whole:
        connection.write(HTTPAnswer.lastChunk)
        connection.finish(isKeptAlive: isKeptAlive)
      case .cut: connection.closeWhenDrained()
      case .reset: connection.reset()
      case .halfClose: connection.halfClose()
      case .stall, .endless: connection.fallSilent()
      case .longLine(let count): LongLine.send(count, to: connection)
      }
    }
  }

  /// Deltas for ever, or until the client goes or the bound of a test is reached.
  private func goOn(_ count: Int) {
    guard !isOver, let delta = score.parts.last(where: { $0.kind == .delta }) else { return }
    guard count < StreamFault.endlessMax else { return call.connection.close() }
    send(HTTPAnswer.chunk(delta.bytes))
    producedTokens += delta.tokens
    reply.usage.output = max(reply.usage.output, producedTokens)
    timer = simulation.loop.schedule(after: score.pause) { self.goOn(count + 1) }
  }

  private func clientHasGone() {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    let call = call
    call.connection.close()
    billProduced(inFull: simulation.options.billsCutStreamsInFull) { call.end() }
  }
}
