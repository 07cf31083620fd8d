/// The prompt caches of every key and model, as the providers describe theirs.
///
/// Anthropic: written at breakpoints, found up to 20 blocks back, from the model's minimum on,
/// for 5 minutes or an hour since the request's start, and anew with each hit. OpenAI: without
/// being asked, in steps of 128 tokens from 1,024 on. Both: an entry can be read only once the
/// first byte of its writer's answer has left.
package struct PromptCache: Sendable {
  /// What one call reads, and what it will have written when its answer begins.
  package struct Plan: Sendable {
    /// The input kinds; no output yet.
    package var usage = TokenUsage()
    fileprivate var writes: [(key: UInt64, life: UInt64)] = []
    fileprivate var start: UInt64 = 0
  }

  private struct Entry: Sendable {
    var expires: UInt64
    let life: UInt64
  }

  private var entries: [UInt64: Entry] = [:]

  static let lookback = 20
  static let step = 128
  static let openAIMinimum = 1024
  /// Half an hour, and ten minutes for models that do not bill writes.
  private static let openAILife: (UInt64, UInt64) = (1_800_000_000_000, 600_000_000_000)

  package init() {}

  package var count: Int { entries.count }

  /// What the call finds at its start; hits live on from now. `scope` is a key or workspace.
  package mutating func plan(_ request: PromptRequest, scope: String, now: UInt64) -> Plan {
    var base = ContentHash()
    base.text(scope)
    base.text(request.model.id)
    base.mix(request.prefixShape)
    return request.dialect.isAnthropic
      ? planBreakpoints(request, base, now) : planSteps(request, base, now)
  }

  /// The first byte of the answer has left: from now on others may read what it wrote.
  package mutating func answerBegan(_ plan: Plan) {
    if entries.count + plan.writes.count > ModelLimits.cacheEntriesMax {
      makeRoom(now: plan.start)
    }
    for write in plan.writes {
      let expires = max(entries[write.key]?.expires ?? 0, plan.start + write.life)
      entries[write.key] = Entry(expires: expires, life: write.life)
    }
  }

  private mutating func makeRoom(now: UInt64) {
    entries = entries.filter { $0.value.expires > now }
    guard entries.count > ModelLimits.cacheEntriesMax / 2 else { return }
    let middle = entries.values.map(\.expires).sorted()[entries.count / 2]
    entries = entries.filter { $0.value.expires > middle }
  }

  private mutating func hit(_ key: UInt64, _ now: UInt64) -> Bool {
    guard let entry = entries[key] else { return false }
    guard entry.expires > now else {
      entries[key] = nil
      return false
    }
    entries[key]?.expires = now + entry.life
    return true
  }

  // MARK: - Anthropic

  private mutating func planBreakpoints(
    _ request: PromptRequest, _ base: ContentHash, _ now: UInt64
  ) -> Plan {
    var plan = Plan()
    plan.start = now
    let total = request.promptTokens
    guard request.blocks.contains(where: { $0.breakpoint != nil }) else {
      plan.usage.input = total
      return plan
    }
    let prefixes = Self.prefixes(request, base)
    let places = request.blocks.indices.filter {
      request.blocks[$0].breakpoint != nil
        && prefixes[$0].tokens >= request.model.cacheMinimum
    }
    let found = lastHit(before: places, prefixes, now)
    var reached = found.map { prefixes[$0].tokens } ?? 0
    plan.usage.cacheRead = reached
    for place in places where place > found ?? -1 {
      let life = request.blocks[place].breakpoint ?? .fiveMinutes
      let tokens = prefixes[place].tokens - reached
      reached = prefixes[place].tokens
      if life == .oneHour {
        plan.usage.cacheWrite1h += tokens
      } else {
        plan.usage.cacheWrite5m += tokens
      }
      plan.writes.append((prefixes[place].key, life.nanoseconds))
    }
    plan.usage.input = total - reached
    return plan
  }

  private mutating func lastHit(
    before places: [Int], _ prefixes: [(key: UInt64, tokens: Int)], _ now: UInt64
  ) -> Int? {
    for place in places.reversed() {
      for index in (max(0, place - Self.lookback + 1)...place).reversed()
      where hit(prefixes[index].key, now) {
        return index
      }
    }
    return nil
  }

  /// What identifies the prompt up to and with each block, and its tokens.
  private static func prefixes(
    _ request: PromptRequest, _ base: ContentHash
  ) -> [(key: UInt64, tokens: Int)] {
    var hash = base
    var tokens = TokenLaw.request + request.hiddenTokens
    var isInMessages = false
    return request.blocks.map { block in
      if block.level == .messages, !isInMessages {
        isInMessages = true
        hash.mix(request.messagesShape)
      }
      hash.mix(block.level == .tools ? 1 : block.level == .system ? 2 : 3)
      hash.mix(block.hash)
      tokens += block.tokens
      return (hash.value, tokens)
    }
  }

  // MARK: - OpenAI

  private mutating func planSteps(
    _ request: PromptRequest, _ base: ContentHash, _ now: UInt64
  ) -> Plan {
    var plan = Plan()
    plan.start = now
    let total = request.promptTokens
    plan.usage.input = total
    guard total >= Self.openAIMinimum else { return plan }
    let steps = Self.steps(request, base)
    guard let last = steps.last else { return plan }
    let found = steps.lastIndex { hit($0.key, now) }
    let cached = found.map { steps[$0].tokens } ?? 0
    plan.usage.cacheRead = cached
    let life = request.model.billsCacheWrites ? Self.openAILife.0 : Self.openAILife.1
    for step in steps[((found ?? -1) + 1)...] { plan.writes.append((step.key, life)) }
    if request.model.billsCacheWrites { plan.usage.cacheWrite = last.tokens - cached }
    plan.usage.input = total - cached - plan.usage.cacheWrite
    return plan
  }

  /// The prompt at each step of 128 tokens from the minimum on.
  private static func steps(
    _ request: PromptRequest, _ base: ContentHash
  ) -> [(key: UInt64, tokens: Int)] {
    var hash = base
    var tokens = TokenLaw.request + request.hiddenTokens
    var next = step
    var found: [(key: UInt64, tokens: Int)] = []
    func pass() {
      while next <= tokens {
        var key = hash
        key.mix(UInt64(next))
        if next >= openAIMinimum { found.append((key.value, next)) }
        next += step
      }
    }
    for block in request.blocks {
      guard !block.text.isEmpty else {
        hash.mix(block.hash)
        tokens += block.tokens
        pass()
        continue
      }
      hash.mix(block.level == .system ? 2 : 3)
      tokens += block.tokens - TokenLaw.text(block.text)
      pass()
      var rest = block.text.utf8[...]
      while !rest.isEmpty {
        let piece = rest.prefix((next - tokens) * 4)
        hash.bytes(piece)
        tokens += TokenLaw.bytes(piece.count)
        rest = rest.dropFirst(piece.count)
        pass()
      }
    }
    return found
  }
}
