import Faults
import GatewayContract
import RunEngine
import ScoreContract

/// One orchestrator process of a simulated world: keeps a session, acquires the run when it wants
/// an owner, and does what its state machine says. What the real driver must do, it does.
final class SimulatedReplica {
  let index: Int
  unowned let world: SimulatedWorld
  /// Higher after each crash: what was meant for an earlier life is lost.
  private(set) var life = 0
  private(set) var session = ""
  /// By its own clock: behind this time its leases are no longer its own.
  private var livesUntil: Int64 = 0
  private(set) var machine: RunStateMachine?
  private(set) var token: UInt64 = 0
  /// Higher when the machine forgot what it had asked.
  private(set) var epoch = 0
  private var isAcquiring = false
  private var wakeNumber = 0
  var clockOffset: Int64 = 0
  /// Nothing happens in it before this time.
  var pausedUntil: Int64 = 0

  init(index: Int, world: SimulatedWorld) {
    self.index = index
    self.world = world
  }

  private var clock: Int64 { world.now + clockOffset }

  func start() {
    life += 1
    session = "s\(index).\(life)"
    machine = nil
    isAcquiring = false
    livesUntil = 0
    tick(isNew: true)
  }

  func crash() {
    life += 1
    machine = nil
  }

  /// Every so often: a sign of life, and whether the run wants an owner.
  private func tick(isNew: Bool) {
    if machine != nil, clock >= livesUntil { feed(.leaseLost) }
    let session = session
    let sent = clock
    world.toStore(self) { store, now -> (Bool, Bool, RunRequest) in
      let lives = store.renew(session, isNew: isNew, at: now)
      return (lives, store.wantsOwner(session, at: now), store.run()?.run.requested ?? .unspecified)
    } answer: { [self] result in
      guard case .success((let lives, let wants, let requested)) = result else { return }
      guard lives else {
        if machine != nil { feed(.leaseLost) }
        return start()
      }
      livesUntil = max(livesUntil, sent + SimulatedWorld.ttl)
      if machine != nil {
        if requested != .unspecified { feed(.requested(requested)) }
      } else if wants {
        acquire()
      }
    }
    world.after(SimulatedWorld.ttl / 3, on: self) { [self] in tick(isNew: false) }
  }

  private func acquire() {
    guard !isAcquiring else { return }
    isAcquiring = true
    let session = session
    world.toStore(self) { store, now -> (UInt64, Run, [Stage])? in
      guard let token = store.acquire(session, at: now), let known = store.run() else {
        return nil
      }
      return (token, known.run, known.stages)
    } answer: { [self] result in
      isAcquiring = false
      guard case .success(let gained?) = result, machine == nil else { return }
      token = gained.0
      machine = RunStateMachine(world.task, widthDefault: 4)
      feed(.gained(RunOwnership(run: gained.1, stages: gained.2)))
    }
  }

  private func feed(_ input: RunInput) {
    guard var machine else { return }
    let actions = machine.handle(input, at: clock)
    self.machine = machine
    world.check(machine, of: self)
    world.tell(
      "r\(index).\(life)/\(token) \(machine.phase) \(machine.gate.spentNanos)"
        + "+\(machine.gate.heldNanos)/\(machine.gate.capNanos) \(input) \(actions)")
    for action in actions { perform(action) }
    if machine.isOver { self.machine = nil }
  }

  /// Feeds an answer to the machine that asked, if it is still there.
  private func feed(_ input: RunInput, token: UInt64) {
    if self.token == token { feed(input) }
  }

  private func perform(_ action: RunAction) {
    let token = token
    switch action {
    case .commit(let ask, let commit):
      if world.plan.bug == .publishedBeforePersisted, world.chance(300) {
        return world.after(0, on: self) { [self] in
          feed(.committed(ask: ask, CommitOutcome(lastSeq: 0, isReplay: false)), token: token)
        }
      }
      world.toStore(self) { store, now in
        store.commit(commit, token, at: now)
      } answer: { [self] result in
        feed(result.flatMap { $0 }.input(ask) { .committed(ask: ask, $0) }, token: token)
      }
    case .readUnits(let ask, let query):
      world.toStore(self) { store, _ in
        store.units(query)
      } answer: { [self] result in
        let input = result.flatMap { $0 }.input(ask) {
          .unitsRead(ask: ask, $0.units, isLast: $0.isLast)
        }
        feed(input, token: token)
      }
    case .readRun(let ask):
      world.toStore(self) { store, _ in
        store.run()
      } answer: { [self] result in
        let input = result.input(ask) { .runRead(ask: ask, $0?.run ?? Run(), $0?.stages ?? []) }
        feed(input, token: token)
      }
    case .lookUp(let ask, let keys):
      world.toStore(self) { store, _ in
        store.verdicts(keys)
      } answer: { [self] result in
        feed(result.flatMap { $0 }.input(ask) { .lookedUp(ask: ask, $0) }, token: token)
      }
    case .call(let ask, var request):
      if world.plan.bug == .callKeysDiffer { request.callKey += "/\(index).\(life)" }
      world.toGateway(self, request) { [self] result in
        feed(result.input(ask) { .called(ask: ask, $0) }, token: token)
      }
    case .recall(let ask, let key):
      let isBlind = world.plan.bug == .nothingRecovered
      world.toGateway(self) { gateway in
        isBlind ? GetCallResponse(state: .unknownCall) : gateway.lookUp(key)
      } answer: { [self] result in
        feed(result.input(ask) { .recalled(ask: ask, $0) }, token: token)
      }
    case .settleSoon:
      world.after(world.roll(0...3), on: self) { [self] in feed(.settle, token: token) }
    case .wake(let time):
      wakeNumber += 1
      let number = wakeNumber
      guard let time else { return }
      world.after(max(0, time - clock), on: self) { [self] in
        if wakeNumber == number { feed(.woke, token: token) }
      }
    case .dropAsks: epoch += 1
    case .release:
      let session = session
      world.toStore(self) { store, now in
        store.release(session, token, at: now)
      } answer: { _ in
      }
    }
  }
}

extension Result where Failure == Fault {
  /// The input that an answer is.
  func input(_ ask: Int, _ input: (Success) -> RunInput) -> RunInput {
    switch self {
    case .success(let value): input(value)
    case .failure(let fault): .refused(ask: ask, fault)
    }
  }
}
