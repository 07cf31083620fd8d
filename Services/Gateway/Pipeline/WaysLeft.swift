import GatewayCatalog
import GatewayLimits

/// By which ways a call may still go, as its attempts fail one after another.
struct WaysLeft: Sendable {
  /// What the next attempt chooses from; never empty.
  private(set) var next: [ModelRoute]
  /// All but those that will not do it whenever they are asked.
  private var alive: [ModelRoute]
  private let failover: Failover

  init(of call: PreparedCall) {
    next = call.routes
    alive = call.routes
    failover = call.request.terms.failover
  }

  /// This way will never do; false when there is no other.
  mutating func drop(_ route: ModelRoute) -> Bool {
    alive = failover.others(than: route, among: alive)
    next = failover.others(than: route, among: next)
    if next.isEmpty { next = alive }
    return !alive.isEmpty
  }

  /// This way failed now. True when there are others that were not tried since a call last waited
  /// for its turn, and stand open; else the next attempt has all of them before it again.
  mutating func passOver(_ route: ModelRoute, isOpen: (ModelRoute) -> Bool) -> Bool {
    let open = failover.others(than: route, among: next).filter(isOpen)
    next = open.isEmpty ? alive : open
    return !open.isEmpty
  }
}

extension Failover {
  /// Where else than by one way a call may go, as its caller allows.
  func others(than route: ModelRoute, among routes: [ModelRoute]) -> [ModelRoute] {
    let others = routes.filter { $0.deskName != route.deskName }
    return switch self {
    case .allowed: others
    case .withinProvider: others.filter { $0.provider.name == route.provider.name }
    case .forbidden: []
    }
  }
}
