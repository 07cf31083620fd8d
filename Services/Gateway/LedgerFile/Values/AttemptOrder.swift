package import GatewayBudgets
package import GatewayValues

/// An attempt's name: the number of the process that made it, then a counter; never used twice.
package struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let counterBits: Int64 = 40
  package let number: Int64

  package init(number: Int64) { self.number = number }
  package init(epoch: Int64, counter: Int64) { number = epoch << Self.counterBits | counter }

  package var epoch: Int64 { number >> Self.counterBits }
  package var description: String { "\(epoch)-\(number & (1 << Self.counterBits - 1))" }

  package static func < (left: AttemptID, right: AttemptID) -> Bool { left.number < right.number }
}

/// A call by the name that its product gave it.
package struct CallName: Hashable, Sendable {
  package let product: GatewayName
  package let key: CallKey

  package init(product: GatewayName, key: CallKey) {
    self.product = product
    self.key = key
  }

  /// By the key alone: few products share one, and a name is looked up many times in a call.
  package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// Why an attempt is made.
package enum AttemptKind: Int64, CaseIterable, Sendable {
  case first = 1
  case retry = 2
  case hedge = 3
  case fallback = 4
}

/// One try at a call: what is to be reserved for it.
package struct AttemptOrder: Hashable, Sendable {
  package var party: CallParty
  package var provider: GatewayName
  package var bound: CallBound
  package var kind = AttemptKind.first
  package var isBatched = false
  /// Tokens that it is expected to read from its provider's prompt cache.
  package var cacheReadPredicted: Int64 = 0

  package init(party: CallParty, provider: GatewayName, bound: CallBound) {
    self.party = party
    self.provider = provider
    self.bound = bound
  }
}

/// What became of an attempt, beside its money.
package enum AttemptOutcome: Int64, CaseIterable, Sendable {
  case answered = 1
  /// The model declined.
  case declined = 2
  /// The answer was cut by a limit of tokens.
  case truncated = 3
  /// The provider refused or failed.
  case failed = 4
  /// The stream ended before its end.
  case aborted = 5
  /// The caller went away.
  case cancelled = 6
  case timedOut = 7
  /// It never left this process.
  case notSent = 8
  /// The process ended first.
  case lost = 9
}

/// How an attempt ended.
package struct Settlement: Hashable, Sendable {
  package enum Amount: Hashable, Sendable {
    /// As the provider said; nothing stays nothing. One that cannot be believed is charged at
    /// the bound.
    case used(TokenUsage)
    /// Counted here.
    case estimated(TokenUsage)
    /// Whatever was reserved.
    case bound
  }

  package var amount: Amount
  package var outcome: AttemptOutcome
  package var answeredModel = ""
  /// The provider's own id of the request.
  package var providerRequestID = ""
  /// Whether this is the call's answer: the call is settled with it, for ever.
  package var endsCall = false
  /// What is replayed to whoever asks for the same call again.
  package var reply: [UInt8] = []

  package init(_ amount: Amount, _ outcome: AttemptOutcome) {
    self.amount = amount
    self.outcome = outcome
  }
}

/// What a line says beside its money.
package struct LineFlags: OptionSet, Hashable, Sendable {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }

  /// It cost more than was reserved: a defect of the bound.
  package static let overBound = LineFlags(rawValue: 1)
  /// The provider's usage could not be believed or priced.
  package static let notCredible = LineFlags(rawValue: 2)
  /// The process that held it ended first.
  package static let afterCrash = LineFlags(rawValue: 4)
  /// The reply was too long to be kept.
  package static let replyNotKept = LineFlags(rawValue: 8)
}
