package import GatewayPacing

/// Remembers which prefixes were seen, written and read, and decides for each call what to mark
/// and whether to wait.
///
/// A prefix belongs to a scope: a product at one of a provider's keys; what one product has
/// written, no other counts on. Not thread safe.
package struct PromptPlanner: Sendable {
  /// Who shares a provider's cache.
  package struct Scope: Hashable, Sendable {
    let product: String
    let key: String

    /// `key` is a provider's key, as `provider/name`.
    package init(product: String, key: String) {
      self.product = product
      self.key = key
    }
  }

  struct Name: Hashable, Sendable {
    let scope: Scope
    let key: PrefixKey
  }

  /// How a prefix stands with its provider.
  enum Standing: Sendable {
    case unknown
    /// A call is about to write it.
    case warming(UInt64)
    case warm(until: MonotonicInstant, life: PrefixLife, tokens: Int64)
    /// It was marked and not kept: it is too short, or the provider keeps nothing.
    case refused(until: MonotonicInstant)
  }

  struct Prefix: Sendable {
    var standing = Standing.unknown
    var lastSeen: MonotonicInstant
    /// Calls that began with it, one soon after another.
    var sightings = 0
    /// Calls that came after a short life was over, and before a long one was.
    var lateReturns = 0
  }

  /// A call that is being made.
  struct Flight: Sendable {
    var written: [(name: Name, tokens: Int64, life: PrefixLife)] = []
    var read: (name: Name, tokens: Int64)?
    let since: MonotonicInstant
    let takesMarks: Bool
    var hasBegun = false
  }

  private(set) var prefixes: [Name: Prefix] = [:]
  var flights: [UInt64: Flight] = [:]
  private var lastID: UInt64 = 0

  package init() {}

  package var prefixCount: Int { prefixes.count }
  package var flightCount: Int { flights.count }

  func prefix(_ name: Name) -> Prefix? { prefixes[name] }

  mutating func set(_ standing: Standing, of name: Name) { prefixes[name]?.standing = standing }

  mutating func begin(_ flight: Flight) -> UInt64 {
    lastID += 1
    flights[lastID] = flight
    return lastID
  }

  // MARK: - What was seen

  /// Notes that a call begins with these prefixes. Once a call, before it is planned.
  package mutating func see(_ outline: PromptOutline, _ scope: Scope, at now: MonotonicInstant) {
    for boundary in outline.boundaries.suffix(PromptLimits.boundariesMax) {
      let name = Name(scope: scope, key: boundary.key)
      guard var prefix = prefixes[name] else {
        makeRoom(at: now)
        prefixes[name] = Prefix(lastSeen: now, sightings: 1)
        continue
      }
      let pause = now - prefix.lastSeen
      if pause > PromptLimits.longLife {
        prefix.sightings = 0
        prefix.lateReturns = 0
      } else if pause > PromptLimits.shortLife {
        prefix.sightings = 0
        prefix.lateReturns += 1
      }
      prefix.sightings += 1
      prefix.lastSeen = now
      prefixes[name] = prefix
    }
  }

  /// Forgets what no provider keeps any more, else the half that was seen the longest ago.
  private mutating func makeRoom(at now: MonotonicInstant) {
    guard prefixes.count >= PromptLimits.prefixesMax else { return }
    let oldest = now.later(by: -PromptLimits.longLife.wholeNanoseconds)
    prefixes = prefixes.filter { $0.value.isHeld || $0.value.lastSeen > oldest }
    guard prefixes.count > PromptLimits.prefixesMax / 2 else { return }
    let times = prefixes.values.map(\.lastSeen).sorted()
    let middle = times[times.count / 2]
    prefixes = prefixes.filter { $0.value.isHeld || $0.value.lastSeen > middle }
    // All at one moment, and all about to be written: then none is remembered.
    if prefixes.count >= PromptLimits.prefixesMax { prefixes = [:] }
  }
}

extension PromptPlanner.Prefix {
  /// Whether a call that is being made says what becomes of it.
  var isHeld: Bool {
    if case .warming = standing { true } else { false }
  }

  /// Calls that began with it and may be expected to be followed by as many: soon one after
  /// another, or again and again after a while.
  var company: Int {
    max(sightings, lateReturns >= PromptLimits.lateReturnsMin ? lateReturns + 1 : 0)
  }

  /// What can be read of it now.
  func warmTokens(at now: MonotonicInstant) -> Int64? {
    guard case .warm(let until, _, let tokens) = standing, until > now else { return nil }
    return tokens
  }

  func isRefused(at now: MonotonicInstant) -> Bool {
    if case .refused(let until) = standing { until > now } else { false }
  }

  /// How long it is worth to keep it, by how it was seen before.
  func life(_ rules: PromptRules, reads: Int64) -> PrefixLife {
    lateReturns >= PromptLimits.lateReturnsMin && rules.pays(.long, reads: max(reads, 2))
      ? .long : .short
  }
}
