import GatewayContract
import GatewayLedger
import GatewayLimits
import GatewayPacing
import GatewayPipeline
import GatewayProviders
import GatewayValues
import LedgerFile
import ScoreContract

extension LimitsState {
  init(_ usage: DeskUsage, waiting: Int, inFlight: Int) {
    self.init()
    callsWaiting = UInt32(clamping: waiting)
    callsInFlight = UInt32(clamping: inFlight)
    for (kind, scopes) in [
      ("product", usage.products), ("key", usage.keys), ("bucket", usage.buckets),
    ] {
      for (name, use) in scopes.sorted(by: { $0.key < $1.key }) {
        limits += [
          Limit(name: "\(kind)/\(name) requests", used: use.requests),
          Limit(name: "\(kind)/\(name) input tokens", used: use.inputTokens),
          Limit(name: "\(kind)/\(name) output tokens", used: use.outputTokens),
          Limit(name: "\(kind)/\(name) in flight", used: use.inFlight),
        ]
      }
    }
  }
}

extension GetCallResponse {
  init(_ standing: CallPipeline.Standing, _ key: CallKey) {
    self.init()
    switch standing {
    case .unknown: state = .unknownCall
    case .inFlight: state = .inFlight
    case .uncertain: state = .uncertain
    case .void: state = .void
    case .settled(let settled):
      state = .settled
      response = Self.answer(settled, key)
    }
  }

  private static func answer(_ settled: SettledCall, _ key: CallKey) -> GenerateResponse {
    let line = settled.line
    var response = GenerateResponse()
    response.callKey = key.text
    response.model = line.answeredModel
    response.provider = line.order.provider.text
    response.providerRequestId = line.providerRequestID
    response.isReplay = true
    response.usage = Usage(line)
    guard let reply = settled.reply else { return response }
    for dialect in Dialect.allCases {
      guard let kept = dialect.readKept(reply) else { continue }
      response.text = kept.content.text
      response.finish = GenerateResponse.Finish(kept.facts.finish)
    }
    return response
  }
}
