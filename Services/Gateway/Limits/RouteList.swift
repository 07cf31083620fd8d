/// Up to `DeskPolicy.routesMax` routes, without an allocation.
struct RouteList: Sendable, Equatable {
  private(set) var count = 0
  private var first = 0
  private var second = 0
  private var third = 0
  private var fourth = 0

  init() {}

  subscript(index: Int) -> Int {
    switch index {
    case 0: first
    case 1: second
    case 2: third
    default: fourth
    }
  }

  mutating func append(_ route: Int) {
    switch count {
    case 0: first = route
    case 1: second = route
    case 2: third = route
    case 3: fourth = route
    default: return
    }
    count += 1
  }

  func contains(_ route: Int) -> Bool {
    for index in 0..<count where self[index] == route { return true }
    return false
  }

  /// The same for the same routes in the same order, as `namesMax` is below 2¹⁶.
  var lane: UInt64 {
    var lane: UInt64 = 0
    for index in 0..<count { lane = lane << 16 | UInt64(self[index] + 1) }
    return lane
  }
}
