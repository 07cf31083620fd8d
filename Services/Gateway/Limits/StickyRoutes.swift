import GatewayPacing

/// Which route a run takes: the one of its first call. Bounded: the run that called last the
/// longest ago is forgotten first.
struct StickyRoutes: Sendable {
  private struct Run: Sendable {
    var name: String
    var route: Int
    var handle: Int
  }

  private var runs: [Run] = []
  private var free: [Int] = []
  private var byName: [String: Int] = [:]
  private var uses = HandleHeap()
  private var order: UInt64 = 0

  var count: Int { byName.count }

  func route(of run: String) -> Int? {
    run.isEmpty ? nil : byName[run].map { runs[$0].route }
  }

  mutating func use(_ run: String, _ route: Int, at now: MonotonicInstant, runsMax: Int) {
    guard !run.isEmpty, runsMax > 0 else { return }
    order += 1
    if let place = byName[run] {
      runs[place].route = route
      uses.move(runs[place].handle, to: now.nanoseconds, order: order)
      return
    }
    while byName.count >= runsMax, let last = uses.top?.value { forget(last) }
    let place = free.popLast() ?? runs.count
    if place == runs.count { runs.append(Run(name: "", route: 0, handle: 0)) }
    runs[place] = Run(
      name: run, route: route,
      handle: uses.insert(key: now.nanoseconds, order: order, value: place))
    byName[run] = place
  }

  private mutating func forget(_ place: Int) {
    uses.remove(runs[place].handle)
    byName[runs[place].name] = nil
    runs[place].name = ""
    free.append(place)
  }
}
