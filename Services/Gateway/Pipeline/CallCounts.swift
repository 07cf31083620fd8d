import GatewayPacing
import GatewayProviders
import GatewayValues
import Telemetry

/// What calls came to, for whoever watches: numbers of calls, tokens, money and time. The ledger
/// is what counts; these are since the start, and forget nothing but the words.
struct CallCounts {
  /// One product's calls of one model, looked up once.
  private struct Pair: Hashable {
    let product: GatewayName
    let model: GatewayName
  }

  private struct Series {
    let ended: [String: Counter]
    let failed: Counter
    let tokens: [Counter]
    let spend: Counter
    let time: Histogram
  }

  private let calls: Labelled<Counter>
  private let tokens: Labelled<Counter>
  private let spend: Labelled<Counter>
  private let time: Labelled<Histogram>
  private let failures: Labelled<Counter>
  private var series: [Pair: Series] = [:]

  private static let kinds = ["input", "cache_read", "cache_write", "output"]
  private static let sources: [CallReceipt.Source] = [.miss, .hit, .joined, .replay]
  private static let pairsMax = 1_024

  init(_ metrics: Metrics) {
    calls = metrics.counter(
      "assay_gateway_calls_total",
      help: "Calls by where their answers came from (miss: the provider), and those that failed.",
      labels: [.product, .model, .state])
    tokens = metrics.counter(
      "assay_gateway_tokens_total", help: "Tokens that were paid for, by kind.",
      labels: [.product, .model, .kind])
    spend = metrics.counter(
      "assay_gateway_spend_nanodollars_total", help: "What answered calls have cost.",
      labels: [.product, .model])
    time = metrics.histogram(
      "assay_gateway_call_seconds", help: "From the reading of a call to its end.",
      scale: .seconds, labels: [.model])
    failures = metrics.counter(
      "assay_gateway_attempts_failed_total", help: "Attempts that a provider did not answer.",
      labels: [.provider, .reason])
  }

  mutating func ended(
    _ result: Result<CallAnswer, any Error>, of call: PreparedCall, after time: Duration
  ) {
    let series = series(of: call.request.caller.product, call.model)
    series.time.record(time)
    guard case .success(let answer) = result else { return series.failed.add() }
    let receipt = answer.receipt
    series.ended[receipt.source.rawValue]?.add()
    guard receipt.source == .miss else { return }
    let usage = receipt.usage
    let counts = [
      usage.freshInput, usage.cacheRead, usage.cacheWriteShort + usage.cacheWriteLong,
      usage.outputTotal,
    ]
    for (counter, count) in zip(series.tokens, counts) where count > 0 {
      counter.add(UInt64(count))
    }
    series.spend.add(UInt64(max(0, receipt.cost.count)))
  }

  /// Answered by a call that was made for another.
  mutating func joined(_ call: PreparedCall) {
    series(of: call.request.caller.product, call.model).ended[CallReceipt.Source.joined.rawValue]?
      .add()
  }

  func failed(_ failure: ProviderFailure, at provider: String) {
    failures(provider, failure.cause.reason).add()
  }

  private mutating func series(of product: GatewayName, _ model: GatewayName) -> Series {
    let pair = Pair(product: product, model: model)
    if let known = series[pair] { return known }
    let made = Series(
      ended: Dictionary(
        uniqueKeysWithValues: Self.sources.map {
          ($0.rawValue, calls(product.text, model.text, $0.rawValue))
        }),
      failed: calls(product.text, model.text, "failed"),
      tokens: Self.kinds.map { tokens(product.text, model.text, $0) },
      spend: spend(product.text, model.text), time: time(model.text))
    if series.count < Self.pairsMax { series[pair] = made }
    return made
  }
}
