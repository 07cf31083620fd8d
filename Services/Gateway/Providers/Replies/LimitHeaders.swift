/// What a reply's headers say of the provider's buckets.
package struct LimitHeaders: Equatable, Sendable {
  /// One bucket, as much of it as was said.
  package struct Bucket: Equatable, Sendable {
    package var limit: Int64?
    package var remaining: Int64?
    /// Until it is full again.
    package var resetAfter: Duration?

    package init(limit: Int64? = nil, remaining: Int64? = nil, resetAfter: Duration? = nil) {
      self.limit = limit
      self.remaining = remaining
      self.resetAfter = resetAfter
    }
  }

  package var requests = Bucket()
  package var inputTokens = Bucket()
  package var outputTokens = Bucket()
  /// Of both together, where a provider counts no kinds.
  package var tokens = Bucket()

  package init() {}

  package init(
    _ headers: some ReplyHeaders, family: ProviderFamily, nowMilliseconds: Int64
  ) {
    switch family {
    case .anthropic:
      func bucket(
        _ limit: StaticString, _ remaining: StaticString, _ reset: StaticString
      ) -> Bucket {
        Bucket(
          limit: Self.count(headers.value(of: limit)),
          remaining: Self.count(headers.value(of: remaining)),
          resetAfter: headers.value(of: reset).flatMap(HTTPDate.millisecondsOfInternetTime).map {
            .milliseconds(max(0, $0 - nowMilliseconds))
          })
      }
      requests = bucket(
        "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset")
      inputTokens = bucket(
        "anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset")
      outputTokens = bucket(
        "anthropic-ratelimit-output-tokens-limit", "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset")
    case .openAI:
      requests = Bucket(
        limit: Self.count(headers.value(of: "x-ratelimit-limit-requests")),
        remaining: Self.count(headers.value(of: "x-ratelimit-remaining-requests")),
        resetAfter: headers.value(of: "x-ratelimit-reset-requests").flatMap(Self.duration))
      tokens = Bucket(
        limit: Self.count(headers.value(of: "x-ratelimit-limit-tokens")),
        remaining: Self.count(headers.value(of: "x-ratelimit-remaining-tokens")),
        resetAfter: headers.value(of: "x-ratelimit-reset-tokens").flatMap(Self.duration))
    }
  }

  private static let countMax: Int64 = 1 << 40
  /// Thirty years: whatever says more says nothing.
  private static let durationSecondsMax = 1e9

  private static func count(_ text: String?) -> Int64? {
    guard let text, let value = Int64(text.trimmingSpaces()), (0...countMax).contains(value) else {
      return nil
    }
    return value
  }

  /// `1s`, `6m0s`, `20ms`, `1h2m3.5s`: a duration, not a moment.
  package static func duration(_ text: String) -> Duration? {
    var rest = text.trimmingSpaces().utf8[...]
    guard !rest.isEmpty, rest.count <= 40 else { return nil }
    var sum = Duration.zero
    while !rest.isEmpty {
      let digits = rest.prefix { $0 == UInt8(ascii: ".") || (48...57).contains($0) }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { (97...122).contains($0) }
      rest = rest.dropFirst(unit.count)
      guard let number = String(digits).flatMap(Double.init), number.isFinite, number < 1e9,
        let seconds = unitSeconds[String(unit) ?? ""], number * seconds <= durationSecondsMax
      else { return nil }
      sum += .microseconds(Int64(number * seconds * 1e6))
    }
    return sum
  }

  private static let unitSeconds: [String: Double] = [
    "h": 3_600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001, "d": 86_400,
  ]
}
