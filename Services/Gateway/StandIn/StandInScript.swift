// GatewayStandIn: the gateway's promise kept without a provider. Answers follow from the request
// and a script alone, every payment goes into a log of its own before it is answered, and a call
// key is paid once. It proves engines and meshes, and is the outside oracle of what was paid; it
// knows no prices but its own, and scores nothing that anybody should believe.
// Limits: `StandInLimits`.

import Digest
import Faults

/// How the stand-in behaves: how long it takes, and how often it goes wrong. All of it follows
/// from the seed and what is asked, so that two runs of the same questions see the same.
package struct StandInScript: Sendable, Equatable {
  package var seed: UInt64 = 0
  package var latency: Duration = .zero
  /// Spread of the latency over calls, added to it.
  package var latencySpread: Duration = .zero
  /// Of a thousand askings, how many meet an overloaded provider. Asking again meets new luck.
  package var overloadedPerMille = 0
  package var rateLimitedPerMille = 0
  /// Paid, and the answer lost: `CALL_UNCERTAIN` for ever.
  package var uncertainPerMille = 0
  /// Of a thousand answers, how many are cut off.
  package var truncatedPerMille = 0
  /// Of a thousand answers, how many are no JSON.
  package var garbledPerMille = 0
  /// Of a thousand items, how many are missing in an answer.
  package var droppedItemsPerMille = 0
  /// Of a thousand items, how many get a score that is none.
  package var absurdItemsPerMille = 0

  package init() {}

  /// What goes wrong with a call before it is paid for.
  enum Refusal: Sendable, Equatable {
    case overloaded, rateLimited
  }

  /// A number from 0 to 999 that belongs to these words.
  func luck(_ words: String...) -> Int {
    var digest = SHA256()
    digest.update(field: String(seed))
    for word in words { digest.update(field: word) }
    let bytes = digest.finish()
    return (Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])) % 1000
  }

  func refusal(of callKey: String, asking number: Int) -> Refusal? {
    let luck = luck("refusal", callKey, String(number))
    if luck < overloadedPerMille { return .overloaded }
    if luck < overloadedPerMille + rateLimitedPerMille { return .rateLimited }
    return nil
  }

  func isUncertain(_ occasion: String) -> Bool { luck("uncertain", occasion) < uncertainPerMille }

  func latency(of callKey: String) -> Duration {
    latency + latencySpread * luck("latency", callKey) / 1000
  }
}

extension StandInScript.Refusal {
  var fault: Fault {
    switch self {
    case .overloaded:
      Fault(
        .unavailable, reason: "PROVIDER_OVERLOADED", "The provider is overloaded.",
        retryAfter: .milliseconds(20))
    case .rateLimited:
      Fault(
        .resourceExhausted, reason: "RATE_LIMITED", "The provider asks to wait.",
        retryAfter: .milliseconds(30))
    }
  }
}

/// Bounds of the stand-in.
package enum StandInLimits {
  package static let callKeyBytesMax = 255
  package static let itemsMax = 1000
  /// Calls that may be under way at once.
  package static let callsMax = 1024
}
