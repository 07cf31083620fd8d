import GatewayPacing

/// Why a call may not leave, in data.
package enum WaitReason: Sendable, Equatable {
  /// A limit of ours or the provider's, as configured.
  case limit(LimitScope, LimitKind)
  /// The provider's own count, as its headers tell it.
  case providerCount(LimitKind)
  /// The concurrency that the provider has shown to bear.
  case adaptiveConcurrency
  /// The provider said when to come back.
  case retryAfter
  /// One call tries whether the provider answers again.
  case probing
  case breakerOpen
  /// A quota or a budget at the provider is used up.
  case quotaExhausted
  /// The operator, or a refused credential, took the key or the bucket out.
  case closed
  /// A larger call has waited long enough and goes first.
  case reserved(LimitScope, for: UInt64)
  /// Nothing but the turn of others.
  case turn
}

/// What stands in the way of a call on one route: the thing that will last longest.
struct Obstacle: Sendable, Equatable {
  private(set) var reason: WaitReason?
  /// When it will be gone; nil when only an event can end it.
  private(set) var until: MonotonicInstant?
  /// Scopes whose limits are in the way.
  private(set) var scopes: ScopeSet = []
  /// Those of them where the call waits for tokens.
  private(set) var tokenScopes: ScopeSet = []
  /// It waits for tokens, or for a call that does.
  private(set) var isAboutSize = false
  /// The way is closed, not merely full.
  private(set) var isClosed = false

  var isNone: Bool { reason == nil }

  /// Adds that a place is kept free for another call.
  mutating func add(_ claim: Claim, at scope: LimitScope, against contender: Contender) {
    guard claim.isAhead(of: contender) else { return }
    add(.reserved(scope, for: claim.id), until: nil)
  }

  mutating func add(_ new: WaitReason, until end: MonotonicInstant?) {
    if case .limit(let scope, _) = new { scopes.insert(ScopeSet(scope)) }
    switch new {
    case .limit(let scope, let kind) where kind.dependsOnSize:
      tokenScopes.insert(ScopeSet(scope))
      isAboutSize = true
    case .providerCount(let kind) where kind.dependsOnSize:
      tokenScopes.insert(.bucket)
      isAboutSize = true
    case .reserved: isAboutSize = true
    case .retryAfter, .breakerOpen, .probing, .quotaExhausted, .closed: isClosed = true
    default: break
    }
    guard reason != nil else {
      reason = new
      until = end
      return
    }
    guard let until else { return }
    guard let end, end <= until else {
      reason = new
      self.until = end
      return
    }
  }
}

/// Some of product, key and bucket.
struct ScopeSet: OptionSet, Sendable {
  let rawValue: UInt8
  static let product = ScopeSet(rawValue: 1)
  static let key = ScopeSet(rawValue: 2)
  static let bucket = ScopeSet(rawValue: 4)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ scope: LimitScope) {
    switch scope {
    case .product: self = .product
    case .key: self = .key
    case .bucket: self = .bucket
    }
  }
}
