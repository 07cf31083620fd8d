import Faults
import GatewayContract
import Glibc
import RunEngine
import ScoreContract
import TestSupport

/// One run in a world with several orchestrators, a store, a gateway, people, and a network that
/// loses, doubles and delays. Time is a number; the same seed is the same world.
final class SimulatedWorld {
  static let ttl: Int64 = 1_500
  let plan: SimulationPlan
  let task: RunTask
  private(set) var now: Int64 = 0
  let store: SimulatedStore
  let gateway = SimulatedGateway()
  private(set) var replicas: [SimulatedReplica] = []
  private var random: SeededRandom
  private var events = EventHeap()
  private(set) var eventCount = 0
  private var order = 0
  /// A digest of all that happened, in its order.
  private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
  private var storeDownUntil: Int64 = 0
  private var gatewayDownUntil: Int64 = 0
  private var troubles: [String: Int] = [:]
  private(set) var isDone = false
  private(set) var faultCounts: [String: Int] = [:]

  init(_ plan: SimulationPlan) {
    self.plan = plan
    task = RunTask(
      workload: plan.workload,
      spec: ScriptedWorkload.spec(plan.texts, options: plan.options))
    store = SimulatedStore(bug: plan.bug, ttl: Self.ttl)
    random = SeededRandom(seed: plan.seed ^ 0xA5A5_5A5A)
    replicas = (0..<plan.replicaCount).map { SimulatedReplica(index: $0, world: self) }
  }

  /// Runs until the run has ended for good; false when it does not.
  func run(eventsMax: Int = 90_000) -> Bool {
    store.remember(plan.cached, at: 0)
    store.create(plan, at: 0)
    for replica in replicas { replica.start() }
    for (time, request) in plan.requests {
      at(time) { [self] in store.ask(request, at: now) }
    }
    person()
    schedule(plan.crashEvery, "crash") { [self] in
      let victim = any()
      victim.crash()
      at(now + roll(20...2_000)) { victim.start() }
    }
    schedule(plan.pauseEvery, "pause") { [self] in any().pausedUntil = now + roll(100...5_000) }
    schedule(plan.jumpEvery, "jump") { [self] in any().clockOffset += roll(1...20_000) }
    schedule(plan.storeDownEvery, "store") { [self] in
      storeDownUntil = now + roll(10...3_000)
      if chance(500) { store.forgetSessions() }
    }
    schedule(plan.gatewayDownEvery, "gateway") { [self] in
      gateway.crash()
      gatewayDownUntil = now + roll(10...3_000)
    }
    schedule(plan.diskFullEvery, "disk") { [self] in
      store.isDiskFull = true
      at(now + roll(10...2_000)) { [self] in store.isDiskFull = false }
    }
    while !isDone, eventCount < eventsMax, let event = events.pop() {
      now = max(now, event.time)
      eventCount += 1
      mix(UInt64(bitPattern: event.time) &* 31 &+ UInt64(event.order))
      event.action()
      if eventCount == plan.crashAtEvent { crashOwner() }
    }
    return isDone
  }

  private func crashOwner() {
    guard let victim = replicas.first(where: { $0.machine != nil }) else { return }
    victim.crash()
    at(now + 5_000) { victim.start() }
  }

  // MARK: - Time and chance

  func at(_ time: Int64, _ action: @escaping () -> Void) {
    order += 1
    events.push(EventHeap.Event(time: max(time, now), order: order, action: action))
  }

  /// Something that happens in a replica: not when it has crashed since, later when it is paused.
  func after(_ delay: Int64, on replica: SimulatedReplica, _ action: @escaping () -> Void) {
    let life = replica.life
    at(now + delay) { [self] in deliver(to: replica, life, action) }
  }

  private func deliver(to replica: SimulatedReplica, _ life: Int, _ action: @escaping () -> Void) {
    guard replica.life == life else { return }
    guard replica.pausedUntil <= now else {
      return at(replica.pausedUntil) { [self] in deliver(to: replica, life, action) }
    }
    action()
  }

  /// So many times in a thousand.
  func chance(_ share: Int) -> Bool {
    share > 0 && Int.random(in: 0..<1_000, using: &random) < share
  }

  func roll(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &random)
  }
  private func any() -> SimulatedReplica {
    replicas[Int.random(in: 0..<replicas.count, using: &random)]
  }

  private func mix(_ number: UInt64) { trace = (trace ^ number) &* 0x100_0000_01B3 }

  private func schedule(_ every: Int64, _ name: String, _ fault: @escaping () -> Void) {
    guard every > 0 else { return }
    let next = now + roll(1...(every * 2))
    guard next < plan.faultsUntil else { return }
    at(next) { [self] in
      faultCounts[name, default: 0] += 1
      fault()
      schedule(every, name, fault)
    }
  }

  private var isFaulty: Bool { now < plan.faultsUntil }

  // MARK: - The network

  /// Carries a request there and its answer back; `unavailable` when either is lost.
  func toStore<Answer>(
    _ replica: SimulatedReplica, _ work: @escaping (SimulatedStore, Int64) -> Answer,
    answer: @escaping (Result<Answer, Fault>) -> Void
  ) {
    exchange(replica, answer: answer) { [self] reply in
      guard now >= storeDownUntil else { return reply(.failure(.away("store"))) }
      reply(.success(work(store, now)))
    }
  }

  func toGateway(
    _ replica: SimulatedReplica, _ look: @escaping (SimulatedGateway) -> GetCallResponse,
    answer: @escaping (Result<GetCallResponse, Fault>) -> Void
  ) {
    exchange(replica, answer: answer) { [self] reply in
      guard now >= gatewayDownUntil else { return reply(.failure(.away("gateway"))) }
      reply(.success(look(gateway)))
    }
  }

  func toGateway(
    _ replica: SimulatedReplica, _ request: GenerateRequest,
    answer: @escaping (Result<GenerateResponse, Fault>) -> Void
  ) {
    let (session, token, epoch) = (replica.session, replica.token, replica.epoch)
    exchange(replica, patience: 8_000, answer: answer) { [self] reply in
      guard now >= gatewayDownUntil else { return reply(.failure(.away("gateway"))) }
      let isCurrent =
        store.isOwner(session, at: now) && store.latestToken == token && replica.epoch == epoch
      gateway.generate(
        request, isStale: !isCurrent, trouble: trouble(request.callKey),
        later: { at(now + roll(5...400), $0) }, answer: reply)
      tell("\(ScriptedModel.asked(request).map(\.id)) from r\(replica.index), current \(isCurrent)")
      checkBudget()
    }
  }

  private func exchange<Answer>(
    _ replica: SimulatedReplica, patience: Int64 = 1_000,
    answer: @escaping (Result<Answer, Fault>) -> Void,
    _ there: @escaping (@escaping (Result<Answer, Fault>) -> Void) -> Void
  ) {
    let life = replica.life
    var isAnswered = false
    let back: (Result<Answer, Fault>) -> Void = { [self] result in
      guard !isFaulty || !chance(plan.dropped) else { return }
      at(now + delay()) { [self] in
        deliver(to: replica, life) {
          guard !isAnswered else { return }
          isAnswered = true
          answer(result)
        }
      }
    }
    at(now + patience) { [self] in
      deliver(to: replica, life) {
        guard !isAnswered else { return }
        isAnswered = true
        answer(.failure(.away("network")))
      }
    }
    let copies = isFaulty && chance(plan.doubled) ? 2 : 1
    for _ in 0..<copies {
      if isFaulty, chance(plan.dropped) { continue }
      at(now + delay()) { there(back) }
    }
  }

  private func delay() -> Int64 {
    isFaulty && chance(plan.slow) ? roll(100...6_000) : roll(0...20)
  }

  /// What a provider may say instead of answering, a few times for each call.
  private func trouble(_ key: String) -> Fault? {
    guard isFaulty, chance(60), troubles[key, default: 0] < 4 else { return nil }
    troubles[key, default: 0] += 1
    return switch roll(0...9) {
    case 0:
      Fault(.resourceExhausted, reason: "QUOTA_EXHAUSTED", "The quota is spent.")
    case 1: Fault(.unauthenticated, reason: "BAD_CREDENTIALS", "The key is no key.")
    case 2...5:
      Fault(
        .resourceExhausted, reason: "RATE_LIMITED", "Too fast.",
        retryAfter: .milliseconds(roll(0...900)))
    default: Fault(.unavailable, reason: "PROVIDER_UNAVAILABLE", "Try later.")
    }
  }

  // MARK: - People

  /// Looks at the run now and then; resumes it while something is unanswered.
  private func person() {
    guard let run = store.run()?.run else { return }
    switch run.state {
    case .completed: isDone = true
    case .paused, .partial, .failed, .timedOut, .cancelled:
      if isFinished(run) {
        isDone = true
      } else if run.requested == .unspecified {
        let cap = run.options?.budgetCapNanos ?? 0
        store.ask(.resume, cap: cap == 0 ? 0 : cap + 120, at: now)
      }
    default: break
    }
    at(now + 1_500) { [self] in person() }
  }

  private func isFinished(_ run: Run) -> Bool {
    guard run.state != .paused, run.totals?.planned ?? 0 == plan.texts.count else { return false }
    return store.allUnits().allSatisfy { unit in
      unit.state != .open && unit.skipReason != .skippedBudget && unit.skipReason != .runEnded
    }
  }

  // MARK: - What must hold at every step

  private func checkBudget() {
    let cap = store.run()?.run.options?.budgetCapNanos ?? 0
    if cap > 0, gateway.exposureNanos > cap {
      gateway.violations.append("\(gateway.exposureNanos) may be spent of \(cap).")
    }
  }

  func check(_ machine: RunStateMachine, of replica: SimulatedReplica) {
    if let window = machine.window, window.batches.count > 64 * 6 * window.capacity {
      gateway.violations.append("A window holds \(window.batches.count) batches.")
    }
  }

  /// Says what happens, when `SIMULATION_TRACE` is set.
  func tell(_ what: @autoclosure () -> String) {
    guard Self.isTold else { return }
    print("\(now) exposure \(gateway.exposureNanos) \(what().prefix(300))")
  }

  private static let isTold = unsafe getenv("SIMULATION_TRACE") != nil

  /// What somebody who runs out of patience wants to see.
  var summary: String {
    let run = store.run()?.run
    let units = store.allUnits().filter { $0.state == .open }.map { "\($0.id)@\($0.batch)" }
    let machines = replicas.map {
      "r\($0.index): \($0.machine.map { "\($0.phase) stop \(String(describing: $0.stop))" } ?? "-")"
    }
    return """
      at \(now) after \(eventCount) events: run \(run?.state.name ?? "?") '\(run?.reason ?? "")' \
      requested \(run?.requested.name ?? "?") generation \(run?.generation ?? 0), \
      totals \(String(describing: run?.totals)), open \(units), machines \(machines)
      """
  }
}

extension Fault {
  static func away(_ name: String) -> Fault {
    Fault(.unavailable, reason: "UNREACHABLE", "The \(name) does not answer.")
  }
}

/// What happens next, by time and then by who came first.
struct EventHeap {
  struct Event {
    let time: Int64
    let order: Int
    let action: () -> Void

    func precedes(_ other: Event) -> Bool { (time, order) < (other.time, other.order) }
  }

  private var heap: [Event] = []

  mutating func push(_ event: Event) {
    heap.append(event)
    var place = heap.count - 1
    while place > 0, heap[place].precedes(heap[(place - 1) / 2]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Event? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && heap[child].precedes(heap[least]) { least = child }
      guard least != place else { return first }
      heap.swapAt(place, least)
      place = least
    }
  }
}
