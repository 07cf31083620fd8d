import Faults
import GatewayCatalog
import GatewayContract
import GatewayLedger
import GatewayPipeline
import GatewayProviders
import GatewayValues
import JSON
import JSONText
import LedgerFile
import ScoreContract

extension CallAnswer {
  /// The answer in the mesh's words.
  func response(_ call: CallRequest) throws -> GenerateResponse {
    guard let kept = receipt.dialect.readKept(body) else {
      throw Fault(.dataLoss, reason: "PROVIDER_ERROR", "The answer that was kept is no answer.")
    }
    var content = kept.content
    if receipt.schemaWay == .tool { content.takeAnswerTool() }
    return GenerateResponse(receipt, content, call)
  }
}

extension GenerateResponse {
  init(_ receipt: CallReceipt, _ content: AnswerContent, _ call: CallRequest) {
    self.init()
    callKey = receipt.callKey
    model = receipt.model.isEmpty ? call.facts.model : receipt.model
    text = content.text
    toolCalls = content.toolCalls.map {
      ToolCall(id: $0.id, name: $0.name, arguments: $0.arguments.bytes())
    }
    var finish = GenerateResponse.Finish(receipt.finish)
    if receipt.schemaWay == .tool, toolCalls.isEmpty, finish == .toolCalls { finish = .stop }
    self.finish = finish
    usage = Usage(receipt)
    isReplay = receipt.source == .replay
    cache =
      switch receipt.source {
      case .hit: .hit
      case .joined: .joined
      case .miss, .replay: .miss
      }
    attempts = receipt.attempts
    provider = receipt.provider
    providerRequestId = receipt.providerRequestID
    cacheReadPredicted = receipt.cacheReadPredicted
  }
}

extension GenerateResponse.Finish {
  init(_ finish: GatewayProviders.Finish?) {
    self =
      switch finish {
      case .stop: .stop
      case .length: .length
      case .toolCalls: .toolCalls
      case .refusal: .refusal
      case .pause: .pause
      case .other, nil: .unspecified
      }
  }
}

extension Usage {
  init(_ receipt: CallReceipt) {
    self.init()
    inputTokens = receipt.usage.freshInput
    outputTokens = receipt.usage.output
    cacheReadTokens = receipt.usage.cacheRead
    cacheWriteTokens = receipt.usage.cacheWriteShort + receipt.usage.cacheWriteLong
    reasoningTokens = receipt.usage.reasoning
    costNanos = receipt.cost.count
    priceVersion = receipt.priceVersion
    completeness =
      switch receipt.standing {
      case .exact: .exact
      case .estimated: .estimated
      case .uncertain: .uncertain
      }
  }
}

extension Model {
  init(_ card: ModelCard) {
    self.init()
    name = card.name
    providers = card.servings.map(\.provider)
    contextTokens = card.bounds.contextTokens
    outputTokensMax = card.bounds.outputTokensMax
    cacheableTokensMin = card.cacheableTokensMin ?? 0
    price = Price(card.price, version: card.priceVersion, fromMilliseconds: 0)
  }
}

extension Price {
  init(_ price: GatewayValues.ModelPrice, version: String, fromMilliseconds: Int64) {
    self.init()
    inputNanos = price.input.count
    outputNanos = price.output.count
    cacheReadNanos = price.cacheRead.count
    cacheWriteNanos = price.cacheWriteShort.count
    cacheWriteLongNanos = price.cacheWriteLong.count
    batchPercent = UInt32(clamping: price.batchPercent)
    fromMs = fromMilliseconds
    self.version = version
  }
}
