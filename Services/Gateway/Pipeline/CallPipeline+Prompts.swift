import Blobs
import EventLoop
import GatewayCatalog
import GatewayMedia
import GatewayPacing
import GatewayPrompts
import GatewayProviders
import GatewayValues
import Telemetry

/// Tokens of prompt caches, as they were expected and as they came, by product.
struct PromptCounts: Sendable {
  private let tokens: Labelled<Counter>

  init(_ metrics: Metrics) {
    tokens = metrics.counter(
      "assay_gateway_prompt_tokens_total",
      help: "Tokens of providers' prompt caches, as planned and as billed.",
      labels: [.product, .kind])
  }

  func count(_ kind: String, _ count: Int64, _ product: String) {
    if count > 0 { tokens(product, kind).add(UInt64(count)) }
  }
}

extension CallPipeline {
  /// The prefixes of a call; nil where no cache of a provider's could hold any of them.
  func outline(of call: PreparedCall) -> PromptOutline? {
    guard plansPrompts, let most = call.card.cacheableTokensMin else { return nil }
    let facts = call.request.facts
    let isLarge = facts.textBytes / 2 >= most || facts.pictures + facts.documents > 0
    guard isLarge else { return nil }
    switch call.request.content {
    case .written(let written, let media):
      return PromptOutline(
        written, media: media.map(\.ref.hash.bytes), model: call.card.name)
    case .passed(let text):
      let model = call.card.name
      switch call.request.dialect ?? call.routes[0].dialect {
      case .anthropicMessages:
        var outline = PromptOutline(messages: text, model: model)
        // Marks within blocks are the caller's as well.
        outline.hasFixedMarks = outline.hasFixedMarks || facts.cacheBreakpoints > 0
        return outline
      case .openAIChat: return PromptOutline(chat: text, model: model)
      case .openAIResponses: return PromptOutline(responses: text, model: model)
      }
    }
  }

  /// Plans an attempt by one of its routes, and waits for the call that writes what it would read:
  /// until that has begun to be answered, and no longer than it has patience.
  func promptPlan(
    _ outline: PromptOutline?, _ call: PreparedCall, _ route: ModelRoute, mayWait: Bool,
    startBy: MonotonicInstant?
  ) async -> PromptPlan? {
    guard let outline, let most = call.card.cacheableTokensMin else { return nil }
    let isAnthropic = route.dialect.family == .anthropic
    var request = PromptPlanner.Request(
      outline,
      PromptRules(
        tokensMin: most, price: call.price.price, takesMarks: isAnthropic,
        takesKey: !isAnthropic && call.card.takesCacheKey),
      call.promptScope(route), reuses: Int64(call.request.terms.prefixReuses), mayWait: mayWait)
    // Half of what the caller would wait, so that time is left for the answer.
    let half = startBy.map { now.later(by: now.nanoseconds(until: $0) / 2) }
    let patience = now + PromptLimits.patienceMax
    let end = half.map { min($0, patience) } ?? patience
    while true {
      switch prompts.plan(request, at: now) {
      case .go(let plan): return plan
      case .wait(let leader):
        await promptBegan(leader, until: end)
        if now >= end { request.mayWait = false }
      }
    }
  }

  private func promptBegan(_ leader: UInt64, until end: MonotonicInstant) async {
    lastPromptWaiter += 1
    let id = lastPromptWaiter
    let timer = loop.schedule(after: max(.zero, end - now)) { [weak self] in
      self?.assumeIsolated { pipeline in
        pipeline.promptWaiters[leader]?.removeValue(forKey: id)?.resume()
      }
    }
    await withCheckedContinuation { promptWaiters[leader, default: [:]][id] = $0 }
    timer.cancel()
  }

  /// The first byte of an answer has come.
  func promptAnswerBegan(_ plan: PromptPlan?, _ usage: TokenUsage?) {
    guard let plan else { return }
    if prompts.began(plan.id, use: usage.map(PromptUse.init), at: now) { wake(plan) }
  }

  /// An attempt is over; nil: nothing that could be read came of it.
  func promptEnded(_ plan: PromptPlan?, _ usage: TokenUsage?, _ call: PreparedCall) {
    guard let plan else { return }
    if prompts.ended(plan.id, use: usage.map(PromptUse.init), at: now) { wake(plan) }
    guard let usage else { return }
    let product = call.request.caller.product.text
    promptCounts.count("read_predicted", plan.readPredicted, product)
    promptCounts.count("write_predicted", plan.writePredicted, product)
    promptCounts.count("read", usage.cacheRead, product)
    promptCounts.count("write", usage.cacheWriteShort + usage.cacheWriteLong, product)
  }

  private func wake(_ plan: PromptPlan) {
    for waiter in (promptWaiters.removeValue(forKey: plan.id) ?? [:]).values { waiter.resume() }
  }
}

extension PromptUse {
  fileprivate init(_ usage: TokenUsage) {
    self.init(read: usage.cacheRead, written: usage.cacheWriteShort + usage.cacheWriteLong)
  }
}

extension PreparedCall {
  func promptScope(_ route: ModelRoute) -> PromptPlanner.Scope {
    PromptPlanner.Scope(
      product: request.caller.product.text, key: "\(route.provider.name)/\(route.key.name)")
  }
}
