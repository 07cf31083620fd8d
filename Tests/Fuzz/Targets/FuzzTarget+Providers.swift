import GRPCFormat
import GatewayProviders
import GatewayValues
import JSON
import JSONText
import ServerSentEvents

extension FuzzTarget {
  private static let bounds = ModelBounds(contextTokens: 1_000_000, outputTokensMax: 128_000)

  /// A caller's body in one of the dialects: refused, or bounded and passed on as what it was.
  ///
  /// The first byte chooses the dialect.
  func fuzzModelRequests(_ input: RawSpan) throws(FuzzFinding) {
    guard let choice = input.firstByte else { return }
    let bytes = [UInt8](copying: input.extracting(1..<input.byteCount))
    let dialect = Dialect.allCases[Int(choice) % Dialect.allCases.count]
    guard let (text, facts) = try? dialect.read(checking: bytes, limits: JSONLimits()) else {
      return
    }
    let bound = facts.bound(FuzzTarget.bounds)
    try require(
      bound.inputTokensMax >= 0 && bound.outputTokensMax >= 0 && bound.webSearchesMax >= 0,
      "\(bound) is no bound")
    guard let edited = try? dialect.upstreamEdits(of: text, facts, model: "another").bytes(),
      let (_, again) = try? dialect.read(checking: edited, limits: JSONLimits())
    else { throw FuzzFinding("what goes on is no request any more") }
    try require(again.model == "another", "it goes on to \(again.model)")
    try require(
      again.isStream == facts.isStream && again.outputTokensMax == facts.outputTokensMax,
      "it goes on as \(again), and was \(facts)")
  }

  /// Whatever a provider answers: as a whole reply, as an error, as a stream, as what was kept.
  ///
  /// The first byte chooses the dialect, the second the status; the first line is also every
  /// header.
  func fuzzProviderReplies(_ input: RawSpan) throws(FuzzFinding) {
    let bytes = [UInt8](copying: input)
    guard bytes.count > 2 else { return }
    let dialect = Dialect.allCases[Int(bytes[0]) % Dialect.allCases.count]
    let body = Array(bytes[2...])
    let line = body.prefix { $0 != 0x0a }
    let headers = EveryHeader(text: String(decoding: line, as: UTF8.self))
    if let text = try? JSONText(checking: body), let facts = dialect.readReply(text) {
      try checkUsage(facts)
    }
    let failure = ProviderFailure(
      status: 400 + Int(bytes[1]), headers: headers, body: body, family: dialect.family,
      nowMilliseconds: 1_800_000_000_000)
    try require(
      failure.message.utf8.count <= ProviderLimits.messageBytesMax,
      "a message of \(failure.message.utf8.count) bytes is kept")
    if let wait = failure.retryAfter { try require(wait >= .zero, "it waits for \(wait)") }
    _ = LimitHeaders(
      headers, family: dialect.family, nowMilliseconds: 1_800_000_000_000)
    try readStream(body, dialect)
    if let kept = dialect.readKept(body) { try checkUsage(kept.facts) }
  }

  private func readStream(_ body: [UInt8], _ dialect: Dialect) throws(FuzzFinding) {
    var reader = SSEReader()
    var reading = StreamReading(dialect)
    guard let events = try? reader.feed(body) else { return }
    for event in events where event.hasData {
      _ = reading.take(name: event.type, data: event.data ?? [])
      try checkUsage(reading.facts)
    }
  }

  private func checkUsage(_ facts: ReplyFacts) throws(FuzzFinding) {
    guard let usage = facts.usage else { return }
    try require(usage.isCredible, "\(usage) is believed")
    try require(!facts.isUsageAbsurd, "\(usage) is believed and absurd")
  }
}

/// One text for each header that anybody asks for.
private struct EveryHeader: ReplyHeaders {
  let text: String

  func value(of name: StaticString) -> String? { text.isEmpty ? nil : text }
}
