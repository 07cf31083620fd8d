// GatewayPipeline: one call from whoever asks to a provider and back, through every stage that
// makes it paid once and within budget: named, priced, looked up, joined, admitted, held, sent,
// settled, kept. It knows no door: HTTP and gRPC hand it the same values. Nothing that was paid
// for is lost when its caller goes away; nothing is sent that the ledger does not hold; nobody
// but this asks a provider again. Limits: `PipelineLimits`.

package import Faults
package import GatewayLimits
package import GatewayMedia
package import GatewayPacing
package import GatewayProviders
package import GatewayValues
package import JSONText

/// Named limits of the pipeline.
package enum PipelineLimits {
  /// Calls that are being made at once, waiting ones included.
  package static let callsMax = 8_192
  /// Callers that wait for one call that is being made for another.
  package static let joinedMax = 1_024
  /// Of a stream that is kept for whoever asks the same again.
  package static let keptStreamBytesMax = 1 << 20
  /// Read from a provider after the caller has gone, so that the call ends as it would have.
  package static let drainBytesMax = 16 << 20
  package static let drainTimeMax = Duration.seconds(120)
}

/// Who asks, as a door has made sure of it.
package struct Caller: Hashable, Sendable {
  package var product: GatewayName
  package var key: GatewayName

  package init(product: GatewayName, key: GatewayName) {
    self.product = product
    self.key = key
  }
}

/// How a call may be made.
package struct CallTerms: Hashable, Sendable {
  package enum Cache: Sendable {
    case normal
    /// Asked anew, and kept.
    case refresh
    /// Neither read nor kept, and joined with no other.
    case bypass
  }

  package var priority = CallPriority.interactive
  package var cache = Cache.normal
  /// Tells deliberate repeats of one request apart.
  package var sample: UInt32 = 0
  package var failover = Failover.allowed
  /// How many more calls will begin with the same prefix soon.
  package var prefixReuses: UInt32 = 0
  /// nil: as the gateway is set up.
  package var retriesMax: Int?
  /// How long the caller waits; nil: as long as it takes.
  package var patience: Duration?

  package init() {}
}

/// A call as a door hands it in.
package struct CallRequest: Sendable {
  /// What is sent, as it becomes a provider's.
  package enum Content: Sendable {
    /// The caller's own bytes, in the dialect of the call.
    case passed(JSONText)
    /// Ours, to be written in whatever dialect the provider speaks.
    case written(ModelCall, media: [CallMedia])
  }

  package var caller: Caller
  package var callKey: CallKey?
  package var run: GatewayName?
  /// nil: any that a provider of the model speaks.
  package var dialect: Dialect?
  package var facts: CallFacts
  package var content: Content
  package var terms: CallTerms
  /// SHA-256 over everything that changes the answer.
  package var hash: [UInt8]
  /// Headers of the caller's that its provider understands (`anthropic-beta`).
  package var passedHeaders: [(name: String, value: String)] = []

  package init(
    caller: Caller, facts: CallFacts, content: Content, terms: CallTerms, hash: [UInt8]
  ) {
    self.caller = caller
    self.facts = facts
    self.content = content
    self.terms = terms
    self.hash = hash
  }
}

extension CallRequest {
  /// Whether its words alone decide what is answered: nothing that a provider keeps or looks up
  /// somewhere may change between two times that it is asked.
  var isRepeatable: Bool { !facts.hasHiddenInput && facts.hostedUsesMax == 0 }
}

/// What a call came to, beside its answer.
package struct CallReceipt: Hashable, Sendable {
  package enum Source: String, Sendable {
    case miss
    case hit
    case joined
    case replay
  }

  package var callKey = ""
  package var provider = ""
  package var dialect = Dialect.anthropicMessages
  package var schemaWay = SchemaWay.native
  package var providerRequestID = ""
  package var model = ""
  package var usage = TokenUsage()
  package var standing = UsageStanding.exact
  package var cost = NanoDollars.zero
  package var priceVersion = ""
  package var attempts: UInt32 = 0
  package var source = Source.miss
  package var finish: Finish?
  /// Whether there is anything in the answer.
  package var hasContent = false
  /// Tokens that were expected to be read from the provider's prompt cache.
  package var cacheReadPredicted: Int64 = 0

  package init() {}
}

/// A whole answer: the provider's bytes as they came.
package struct CallAnswer: Sendable {
  package var body: [UInt8]
  package var receipt: CallReceipt

  package init(body: [UInt8], receipt: CallReceipt) {
    self.body = body
    self.receipt = receipt
  }
}

/// An attempt that ended the call with the provider's own refusal: its bytes go to the caller.
package struct ProviderRefusal: Error, FaultConvertible {
  package let failure: ProviderFailure
  package let dialect: Dialect
  package let body: [UInt8]
  package let attempts: UInt32
  package let provider: String
  /// Whether it came of one caller's stream, which had begun or which nobody read any more: others
  /// who asked the same may do better.
  package var concernsOneCaller = false

  package init(
    failure: ProviderFailure, dialect: Dialect, body: [UInt8], attempts: UInt32, provider: String
  ) {
    self.failure = failure
    self.dialect = dialect
    self.body = body
    self.attempts = attempts
    self.provider = provider
  }

  package var fault: Fault {
    let said = failure.message.isEmpty ? "" : " It says: \(failure.message)"
    return Fault(
      Self.code(of: failure.cause), reason: failure.cause.reason,
      "\(provider) did not answer\(failure.status.map { " (HTTP \($0))" } ?? "").\(said)",
      retryAfter: failure.retryAfter,
      facts: [
        "provider": provider, "attempts": String(attempts),
        "provider_request_id": failure.requestID,
      ])
  }

  private static func code(of cause: FailureCause) -> Fault.Code {
    switch cause {
    case .invalidRequest: .invalidArgument
    case .requestTooLarge, .contextTooLong: .outOfRange
    case .unknownModel: .notFound
    case .keyRejected: .failedPrecondition
    case .quotaExhausted, .rateLimited, .rampedTooFast: .resourceExhausted
    case .timedOut: .deadlineExceeded
    case .overloaded, .serverError, .conflict, .brokenStream, .garbage, .empty, .unreachable:
      .unavailable
    }
  }
}
