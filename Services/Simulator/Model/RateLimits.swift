package import Telemetry

/// What a key may use in one window; zero is no limit.
package struct RateLimits: Sendable, Equatable {
  package var requests = 0
  /// Anthropic's two.
  package var inputTokens = 0
  package var outputTokens = 0
  /// OpenAI's one: input and what the answer may take.
  package var tokens = 0
  /// A minute, unless time is compressed.
  package var windowNanoseconds: UInt64 = 60_000_000_000

  package init() {}

  package var isOff: Bool {
    requests == 0 && inputTokens == 0 && outputTokens == 0 && tokens == 0
  }
}

/// One limit: it refills continuously and is never fuller than its window's worth.
struct TokenBucket: Sendable {
  private let capacity: Double
  private let window: Double
  private var level: Double
  private var time: UInt64

  init(capacity: Int, window: UInt64, now: UInt64) {
    self.capacity = Double(capacity)
    self.window = Double(window)
    level = Double(capacity)
    time = now
  }

  mutating func refill(_ now: UInt64) {
    guard now > time else { return }
    level = min(capacity, level + Double(now - time) / window * capacity)
    time = now
  }

  mutating func take(_ amount: Double) { level -= amount }

  /// What failed requests cost: never below nothing.
  mutating func takeIfThere(_ amount: Double) { level = max(min(level, 0), level - amount) }

  /// Nanoseconds until `amount` is there; more than it can hold waits until it is full.
  func wait(for amount: Double) -> Double {
    let wanted = min(amount, capacity)
    return level >= wanted ? 0 : (wanted - level) / capacity * window
  }

  var waitUntilFull: Double { wait(for: capacity) }
  var limit: Int { Int(capacity) }
  var remaining: Int { max(0, Int(level)) }
}

/// The limits of every key and model family.
package struct RateLimiter: Sendable {
  package typealias Headers = [(name: String, value: String)]

  /// Whether a call may start, and what its answer says of the limits.
  package enum Verdict: Sendable {
    case admitted(Headers)
    /// With what the header says, in seconds.
    case refused(ProviderError, retryAfter: Int, Headers)
  }

  private struct Buckets: Sendable {
    var requests: TokenBucket?
    var input: TokenBucket?
    var output: TokenBucket?
    var tokens: TokenBucket?
  }

  private var all: [String: Buckets] = [:]
  /// By key; `*` is everybody else.
  package var limits: [String: RateLimits] = [:]

  package init() {}

  package mutating func reset() { all = [:] }

  private func limits(for scope: String) -> RateLimits? {
    limits.isEmpty ? nil : limits[scope] ?? limits["*"]
  }

  /// Asks for one call with that input; nil when nothing is limited.
  package mutating func admit(
    _ request: PromptRequest, _ usage: TokenUsage, scope: String, now: UInt64, wall: WallTime
  ) -> Verdict? {
    guard let limits = limits(for: scope), !limits.isOff else { return nil }
    let place = scope + " " + request.model.family
    var buckets = refilled(place, limits, now)
    defer { all[place] = buckets }
    let asked = Double(usage.countedInput)
    let charged = Double(max(request.maxTokens ?? 0, request.promptTokens))
    var waits: [(wait: Double, what: String)] = []
    waits.append((buckets.requests?.wait(for: 1) ?? 0, "requests"))
    if request.dialect.isAnthropic {
      waits.append((buckets.input?.wait(for: asked) ?? 0, "input tokens"))
      waits.append((buckets.output?.wait(for: 1) ?? 0, "output tokens"))
    } else {
      waits.append((buckets.tokens?.wait(for: charged) ?? 0, "tokens"))
    }
    guard let worst = waits.max(by: { $0.wait < $1.wait }), worst.wait > 0 else {
      buckets.requests?.take(1)
      buckets.input?.take(asked)
      buckets.tokens?.take(charged)
      return .admitted(headers(request.dialect, buckets, wall))
    }
    if !request.dialect.isAnthropic { buckets.requests?.takeIfThere(1) }
    let seconds = max(1, Int((worst.wait / 1e9).rounded(.up)))
    let error = Self.refusal(request, worst.what, scope)
    return .refused(error, retryAfter: seconds, headers(request.dialect, buckets, wall))
  }

  /// Output counts as it is produced, and may overdraw.
  package mutating func produced(
    _ request: PromptRequest, outputTokens: Int, scope: String, now: UInt64
  ) {
    guard let limits = limits(for: scope), limits.outputTokens > 0 else { return }
    let place = scope + " " + request.model.family
    var buckets = refilled(place, limits, now)
    buckets.output?.take(Double(outputTokens))
    all[place] = buckets
  }

  private func refilled(_ place: String, _ limits: RateLimits, _ now: UInt64) -> Buckets {
    func made(_ capacity: Int) -> TokenBucket? {
      capacity > 0
        ? TokenBucket(capacity: capacity, window: limits.windowNanoseconds, now: now) : nil
    }
    var buckets =
      all[place]
      ?? Buckets(
        requests: made(limits.requests), input: made(limits.inputTokens),
        output: made(limits.outputTokens), tokens: made(limits.tokens))
    buckets.requests?.refill(now)
    buckets.input?.refill(now)
    buckets.output?.refill(now)
    buckets.tokens?.refill(now)
    return buckets
  }

  private static func refusal(
    _ request: PromptRequest, _ what: String, _ scope: String
  ) -> ProviderError {
    if request.dialect.isAnthropic {
      return ProviderError(
        429, "rate_limit_error",
        "This request would exceed your organization's rate limit of \(what) per minute.")
    }
    return ProviderError(
      429, what == "requests" ? "requests" : "tokens",
      "Rate limit reached for \(request.model.id) on \(what) per min. Please try again later.",
      code: "rate_limit_exceeded")
  }

  // MARK: - Headers

  private func headers(_ dialect: Dialect, _ buckets: Buckets, _ wall: WallTime) -> Headers {
    var found: Headers = []
    func anthropic(_ name: String, _ bucket: TokenBucket?, rounding: Int) {
      guard let bucket else { return }
      let start = "anthropic-ratelimit-\(name)-"
      let remaining = (bucket.remaining + rounding / 2) / rounding * rounding
      found.append((start + "limit", String(bucket.limit)))
      found.append((start + "remaining", String(remaining)))
      let reset = wall.seconds + Int64((bucket.waitUntilFull / 1e9).rounded(.up))
      let text = WallTime(seconds: reset).iso8601
      found.append((start + "reset", String(text.prefix(19)) + "Z"))
    }
    func openAI(_ name: String, _ bucket: TokenBucket?) {
      guard let bucket else { return }
      found.append(("x-ratelimit-limit-\(name)", String(bucket.limit)))
      found.append(("x-ratelimit-remaining-\(name)", String(bucket.remaining)))
      found.append(("x-ratelimit-reset-\(name)", Self.duration(bucket.waitUntilFull)))
    }
    if dialect.isAnthropic {
      anthropic("requests", buckets.requests, rounding: 1)
      anthropic("input-tokens", buckets.input, rounding: 1000)
      anthropic("output-tokens", buckets.output, rounding: 1000)
      let tight = [buckets.input, buckets.output].compactMap { $0 }
        .min { $0.remaining < $1.remaining }
      anthropic("tokens", tight, rounding: 1000)
    } else {
      openAI("requests", buckets.requests)
      openAI("tokens", buckets.tokens)
    }
    return found
  }

  /// `20ms`, `1s`, `6m0s`.
  static func duration(_ nanoseconds: Double) -> String {
    let milliseconds = Int((nanoseconds / 1e6).rounded(.up))
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    let seconds = (milliseconds + 999) / 1000
    return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
  }
}
