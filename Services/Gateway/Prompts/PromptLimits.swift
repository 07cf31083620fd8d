// GatewayPrompts: where a provider's prompt cache pays, and who goes first. It reads requests for
// the prefixes that they may share with others, remembers which of them a provider keeps, decides
// which are worth a mark, and lets one call write what many then read. Values only: it opens
// nothing, waits for nothing and knows no clock; what it changes in a request is a mark, never a
// word. Limits: `PromptLimits`.

/// Named limits of the planning of prompt caches.
package enum PromptLimits {
  /// Marks that a provider takes in one call.
  package static let marksMax = 4
  /// Prefixes of one call that are looked at: the longest.
  package static let boundariesMax = 32
  /// Prefixes that are remembered.
  package static let prefixesMax = 16_384
  /// How long a call waits for the one that writes what it wants to read.
  package static let patienceMax = Duration.seconds(20)
  /// How long a provider keeps what was marked for a short time, and for a long one.
  package static let shortLife = Duration.seconds(300)
  package static let longLife = Duration.seconds(3_600)
  /// Before the end of its life a prefix is not counted on any more: clocks differ, calls travel.
  package static let lifeMargin = Duration.seconds(5)
  /// Returns after a short life is over that make a long one worth its price.
  package static let lateReturnsMin = 2
}

/// How long a provider is asked to keep a prefix.
package enum PrefixLife: Int, Comparable, Sendable {
  case short
  case long

  package var duration: Duration {
    self == .short ? PromptLimits.shortLife : PromptLimits.longLife
  }

  package static func < (left: PrefixLife, right: PrefixLife) -> Bool {
    left.rawValue < right.rawValue
  }
}
