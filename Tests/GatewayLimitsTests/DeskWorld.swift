import GatewayLimits
import GatewayPacing
import TestSupport

/// Runs a plan against a desk on a clock of its own and writes down what was let go.
struct DeskWorld {
  /// One admitted call, as an observer at the far end would note it.
  struct Sent {
    let arrival: DeskPlan.Arrival
    let route: Route
    let leftAt: Double
    var endedAt: Double?
    var isReleased = false
    var outcome: CallOutcome?
  }

  enum Event {
    case arrive(Int)
    case end(Int)
    case cancel(UInt64)
    case reload(Int)
    case wake
  }

  let plan: DeskPlan
  private(set) var desk: AdmissionDesk
  private(set) var sent: [Sent] = []
  private(set) var refused: [UInt64: Refusal] = [:]
  private(set) var cancelled: Set<UInt64> = []
  private(set) var violations: [String] = []
  private(set) var waitedSince: [UInt64: Double] = [:]
  private(set) var waits: [(product: String, seconds: Double)] = []
  private var tickets: [Int: Ticket] = [:]
  private var events: [(at: Double, order: Int, event: Event)] = []
  private var order = 0
  private var random: SeededRandom
  private let byID: [UInt64: Int]
  private let routes: [String: Route]
  /// Called after each event, when everything that may go has gone.
  var inspect: ((inout DeskWorld, Double) -> Void)?

  init(_ plan: DeskPlan) throws {
    self.plan = plan
    desk = try AdmissionDesk(plan.configuration)
    random = SeededRandom(seed: plan.seed &+ 1)
    byID = Dictionary(
      uniqueKeysWithValues: plan.arrivals.indices.map { (plan.arrivals[$0].call.id, $0) })
    routes = Dictionary(
      uniqueKeysWithValues: plan.configuration.routes.map { ($0.name, $0) })
    for index in plan.arrivals.indices {
      add(.arrive(index), at: plan.arrivals[index].at)
      if let cancelAt = plan.arrivals[index].cancelAt {
        add(.cancel(plan.arrivals[index].call.id), at: cancelAt)
      }
    }
    for index in plan.reloads.indices { add(.reload(index), at: plan.reloads[index].at) }
  }

  /// Runs until nothing more happens, or until `end`.
  mutating func run(until end: Double = .infinity) {
    var steps = 0
    while let event = pop(), event.at <= end {
      steps += 1
      guard steps < 400_000 else { return violations.append("it never ends") }
      happen(event.event, at: event.at)
      settle(at: event.at)
      inspect?(&self, event.at)
    }
    if end == .infinity, desk.waitingCount + desk.inFlightCount > 0 {
      violations.append("\(desk.waitingCount) wait and \(desk.inFlightCount) are on their way")
    }
  }

  mutating func violate(_ text: String) { violations.append(text) }
  mutating func with<T>(_ body: (inout AdmissionDesk) -> T) -> T { body(&desk) }

  private mutating func happen(_ event: Event, at now: Double) {
    switch event {
    case .arrive(let index): arrive(index, at: now)
    case .end(let index): end(index, at: now)
    case .cancel(let id):
      if desk.cancel(id) {
        cancelled.insert(id)
        waitedSince[id] = nil
      }
    case .reload(let index):
      do {
        try desk.reload(plan.reloads[index].1, at: at(now))
      } catch {
        violations.append("reload: \(error)")
      }
    case .wake: break
    }
  }

  private mutating func arrive(_ index: Int, at now: Double) {
    let call = plan.arrivals[index].call
    // Comparing everything with every ask is for small worlds.
    let before = plan.arrivals.count < 500 ? desk.usage(at: at(now)) : nil
    switch desk.ask(call, at: at(now)) {
    case .admitted(let ticket): leave(ticket, at: now)
    case .waiting:
      waitedSince[call.id] = now
      guard let before else { return }
      var after = desk.usage(at: at(now))
      if after.waiting == before.waiting { violations.append("\(call.id) waits nowhere") }
      after.waiting = before.waiting
      if after != before { violations.append("waiting consumed something: \(call.id)") }
    case .refused(let refusal):
      refused[call.id] = refusal
      if let before, desk.usage(at: at(now)) != before {
        violations.append("refusing consumed something: \(call.id)")
      }
    }
  }

  private mutating func leave(_ ticket: Ticket, at now: Double) {
    guard let index = byID[ticket.id], let route = routes[ticket.route] else {
      return violations.append("nobody asked for \(ticket.id)")
    }
    let arrival = plan.arrivals[index]
    if let startBy = arrival.call.startBy, at(now) > startBy {
      violations.append("\(ticket.id) left too late")
    }
    if cancelled.contains(ticket.id) || refused[ticket.id] != nil {
      violations.append("\(ticket.id) left though it was gone")
    }
    if !arrival.call.routes.contains(ticket.route) { violations.append("a route of its own") }
    if let since = waitedSince.removeValue(forKey: ticket.id) {
      waits.append((arrival.call.product, now - since))
    } else {
      waits.append((arrival.call.product, 0))
    }
    tickets[sent.count] = ticket
    add(.end(sent.count), at: now + (arrival.isReleased ? 0.001 : arrival.lasts + arrival.delay))
    sent.append(Sent(arrival: arrival, route: route, leftAt: now))
  }

  private mutating func end(_ index: Int, at now: Double) {
    guard let ticket = tickets.removeValue(forKey: index) else { return }
    let arrival = sent[index].arrival
    sent[index].endedAt = now
    sent[index].isReleased = arrival.isReleased
    sent[index].outcome = arrival.outcome
    let hasEnded =
      arrival.isReleased
      ? desk.release(ticket, at: at(now))
      : desk.settle(
        ticket, Settlement(arrival.outcome, usage: arrival.usage), at: at(now), using: &random)
    if !hasEnded { violations.append("\(ticket.id) was not on its way") }
    if desk.release(ticket, at: at(now)) { violations.append("\(ticket.id) ended twice") }
  }

  /// All that may go by now goes.
  private mutating func settle(at now: Double) {
    for released in desk.next(at: at(now)) {
      switch released {
      case .admitted(let ticket): leave(ticket, at: now)
      case .refused(let id, let refusal):
        refused[id] = refusal
        waitedSince[id] = nil
      case .lost(let ticket): violations.append("\(ticket.id) was lost")
      }
    }
    if let wake = desk.wakeAt {
      if wake <= at(now) { violations.append("next left something to do") }
      add(.wake, at: max(now, wake.seconds + 2e-9))
    }
  }

  // MARK: - Events, the earliest first

  private mutating func add(_ event: Event, at time: Double) {
    if case .wake = event, !pendingWakes.insert(time).inserted { return }
    order += 1
    events.append((time, order, event))
    var place = events.count - 1
    while place > 0, isBefore(place, (place - 1) / 2) {
      events.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private var pendingWakes: Set<Double> = []

  private mutating func pop() -> (at: Double, event: Event)? {
    guard let first = events.first else { return nil }
    if case .wake = first.event { pendingWakes.remove(first.at) }
    let last = events.removeLast()
    if !events.isEmpty {
      events[0] = last
      var place = 0
      while true {
        var least = place
        for child in [2 * place + 1, 2 * place + 2]
        where child < events.count && isBefore(child, least) {
          least = child
        }
        if least == place { break }
        events.swapAt(place, least)
        place = least
      }
    }
    return (first.at, first.event)
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (events[left].at, events[left].order) < (events[right].at, events[right].order)
  }
}
