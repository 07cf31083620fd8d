import Compose
import Supervisor
import Testing

/// Everything that can happen to a replica.
private enum Event: Equatable, Sendable {
  case start, stop, kill, restart
  case ended(ReplicaEnding)
  case observed(ReplicaStateMachine.Health)
  case elapsed(ReplicaStateMachine.Timer)

  static let all: [Event] =
    [
      .start, .stop, .kill, .restart, .ended(.exited(status: 0)), .ended(.exited(status: 1)),
      .ended(.killed(signal: 9)), .ended(.notStarted(reason: "no such file")), .observed(.serving),
      .observed(.notServing(waitingFor: ["store"], reason: "store is away")), .observed(.silent),
    ] + ReplicaStateMachine.Timer.allCases.map(Event.elapsed)
}

extension ReplicaStateMachine {
  fileprivate mutating func take(_ event: Event) -> [Action] {
    switch event {
    case .start: start()
    case .stop: stop()
    case .kill: kill()
    case .restart: restart()
    case .ended(let ending): ended(ending)
    case .observed(let health): observed(health)
    case .elapsed(let timer): elapsed(timer)
    }
  }
}

@Suite struct ReplicaStateMachineTests {
  private func machine(_ restart: RestartPolicy = .always) -> ReplicaStateMachine {
    ReplicaStateMachine(
      policy: ReplicaPolicy(
        restart: restart, stopGrace: .seconds(5), backoffFirst: .milliseconds(100),
        backoffMax: .seconds(1), stablePeriod: .seconds(10), readyDeadline: .seconds(30)))
  }

  /// A machine that is in the state after those events.
  private func machine(
    _ restart: RestartPolicy = .always, after events: [Event]
  ) -> ReplicaStateMachine {
    var machine = machine(restart)
    for event in events { _ = machine.take(event) }
    return machine
  }

  private let waitingForStore = Event.observed(
    .notServing(waitingFor: ["store"], reason: "store is away"))

  // MARK: - The way up

  @Test func `a start spawns and waits for readiness`() {
    var machine = machine()
    #expect(machine.start() == [.spawn, .arm(.readiness, .seconds(30))])
    #expect(machine.state == .starting)
    #expect(machine.observed(.silent) == [])
    #expect(machine.state == .starting)
    #expect(machine.observed(.notServing(waitingFor: ["store"], reason: "")) == [])
    #expect(machine.state == .waiting(for: ["store"]))
    #expect(machine.observed(.silent) == [])
    #expect(machine.state == .waiting(for: ["store"]))
    #expect(machine.observed(.serving) == [.disarm(.readiness), .arm(.stable, .seconds(10))])
    #expect(machine.state == .ready)
    #expect(machine.observed(.serving) == [])
  }

  @Test func `a replica that was ready becomes unhealthy and comes back`() {
    var machine = machine(after: [.start, .observed(.serving)])
    #expect(machine.observed(.silent) == [.disarm(.stable)])
    #expect(machine.state == .unhealthy(reason: "it does not answer"))
    #expect(machine.observed(.notServing(waitingFor: [], reason: "disk full")) == [])
    #expect(machine.state == .unhealthy(reason: "disk full"))
    #expect(machine.observed(.serving) == [.disarm(.readiness), .arm(.stable, .seconds(10))])
    #expect(machine.state == .ready)
  }

  @Test func `late is told and ends with readiness`() {
    var machine = machine(after: [.start, waitingForStore])
    #expect(machine.elapsed(.readiness) == [])
    #expect(machine.isLate && machine.isFailing)
    _ = machine.observed(.serving)
    #expect(!machine.isLate && !machine.isFailing)
  }

  // MARK: - Restart policies

  @Test func `failures in a row wait longer and longer, up to the cap`() {
    var machine = machine(after: [.start])
    let delays = [0, 100, 200, 400, 800, 1000, 1000].map { Duration.milliseconds($0) }
    for (index, delay) in delays.enumerated() {
      #expect(machine.ended(.exited(status: 1)).last == .arm(.backoff, delay))
      #expect(machine.state == .restarting(after: delay))
      #expect(machine.isFailing == (index + 1 >= ReplicaStateMachine.failuresTold))
      #expect(machine.elapsed(.backoff) == [.spawn, .arm(.readiness, .seconds(30))])
      #expect(machine.restartCount == index + 1)
    }
  }

  @Test func `being ready does not forget failures, being stable does`() {
    var machine = machine(after: [
      .start, .ended(.killed(signal: 9)), .elapsed(.backoff), .observed(.serving),
    ])
    #expect(machine.failureCount == 1)
    #expect(machine.elapsed(.stable) == [])
    #expect(machine.failureCount == 0)
    #expect(machine.ended(.killed(signal: 9)).last == .arm(.backoff, .zero))
  }

  @Test(arguments: [
    (RestartPolicy.no, ReplicaEnding.exited(status: 0), ReplicaStateMachine.State.stopped),
    (.no, .exited(status: 1), .failed), (.no, .killed(signal: 9), .failed),
    (.no, .notStarted(reason: "x"), .failed), (.onFailure(max: nil), .exited(status: 0), .stopped),
    (.onFailure(max: nil), .exited(status: 1), .restarting(after: .zero)),
    (.onFailure(max: 0), .exited(status: 1), .failed),
    (.onFailure(max: 1), .killed(signal: 9), .restarting(after: .zero)),
    (.always, .exited(status: 0), .restarting(after: .zero)),
    (.always, .notStarted(reason: "x"), .restarting(after: .zero)),
  ])
  func `an ending is answered by the policy`(
    _ policy: RestartPolicy, _ ending: ReplicaEnding, _ state: ReplicaStateMachine.State
  ) {
    let machine = machine(policy, after: [.start, .observed(.serving), .ended(ending)])
    #expect(machine.state == state)
    #expect(machine.lastEnding == ending)
  }

  @Test func `a number of failures ends in failed, and a start begins anew`() {
    var machine = machine(.onFailure(max: 2), after: [.start])
    for _ in 0..<2 {
      _ = machine.ended(.exited(status: 1))
      _ = machine.elapsed(.backoff)
    }
    #expect(!machine.ended(.exited(status: 1)).contains(.spawn))
    #expect(machine.state == .failed && machine.isFailing)
    #expect(machine.start().first == .spawn)
    #expect(machine.failureCount == 0)
  }

  // MARK: - The way down

  @Test func `a stop asks first and kills after the grace period`() {
    var machine = machine(after: [.start, .observed(.serving)])
    #expect(
      machine.stop() == [
        .disarm(.stable), .disarm(.readiness), .terminate, .arm(.grace, .seconds(5)),
      ])
    #expect(machine.state == .stopping(isKilled: false))
    #expect(machine.stop() == [])
    #expect(machine.observed(.silent) == [])
    #expect(machine.elapsed(.grace) == [.kill])
    #expect(machine.elapsed(.grace) == [])
    #expect(machine.ended(.killed(signal: 9)).contains(.disarm(.grace)))
    #expect(machine.state == .stopped)
  }

  @Test func `a stop during the backoff starts nothing`() {
    var machine = machine(after: [.start, .ended(.exited(status: 1))])
    #expect(machine.stop() == [.disarm(.backoff)])
    #expect(machine.elapsed(.backoff) == [])
    #expect(machine.state == .stopped)
  }

  @Test func `a restart waits for the end of the old process`() {
    var machine = machine(after: [.start, .observed(.serving)])
    #expect(machine.restart().contains(.terminate))
    #expect(machine.ended(.exited(status: 0)).suffix(2).first == .spawn)
    #expect(machine.state == .starting)
    #expect(machine.restartCount == 0)
  }

  @Test func `a stop after a restart wins, and a start after a stop wins`() {
    var stopped = machine(after: [.start, .restart, .stop])
    #expect(!stopped.ended(.exited(status: 0)).contains(.spawn))
    #expect(stopped.state == .stopped)
    var started = machine(after: [.start, .stop, .start])
    #expect(started.ended(.exited(status: 0)).contains(.spawn))
  }

  @Test func `a kill does not ask`() {
    var machine = machine(after: [.start])
    #expect(machine.kill().last == .kill)
    #expect(machine.kill() == [])
    #expect(!machine.ended(.killed(signal: 9)).contains(.spawn))
  }
}

/// Walks through every state by every event, and looks at what must always hold.
@Suite struct ReplicaStateMachineWalkTests {
  /// What the world outside would be like after performing the actions.
  private struct World: Hashable {
    var hasProcess = false
    var wasAskedToEnd = false
    var armed: Set<ReplicaStateMachine.Timer> = []

    mutating func perform(_ actions: [ReplicaStateMachine.Action]) throws {
      for action in actions {
        switch action {
        case .spawn:
          try #require(!hasProcess, "two processes at once")
          hasProcess = true
          wasAskedToEnd = false
        case .terminate:
          try #require(hasProcess && !wasAskedToEnd, "asked nobody, or twice")
          wasAskedToEnd = true
        case .kill:
          try #require(hasProcess, "killed nobody")
          wasAskedToEnd = true
        case .arm(let timer, _): armed.insert(timer)
        case .disarm(let timer): armed.remove(timer)
        }
      }
    }
  }

  private struct Node: Hashable {
    let text: String
    let world: World
  }

  @Test(arguments: [RestartPolicy.no, .onFailure(max: nil), .onFailure(max: 1), .always])
  func `no order of events leads to two processes or to a lost one`(
    _ policy: RestartPolicy
  ) throws {
    let first = ReplicaStateMachine(policy: ReplicaPolicy(restart: policy))
    var queue = [(first, World())]
    var seen: Set<Node> = []
    while let (machine, world) = queue.popLast() {
      for event in Event.all {
        if case .ended(let ending) = event {
          // The world reports the end of what runs; nothing else can end.
          guard world.hasProcess else { continue }
          if case .notStarted = ending, machine.state != .starting { continue }
        }
        if case .elapsed(let timer) = event, !world.armed.contains(timer) { continue }
        var next = machine
        var after = world
        if case .ended = event { after.hasProcess = false }
        if case .elapsed(let timer) = event { after.armed.remove(timer) }
        try after.perform(next.take(event))
        #expect(next.hasProcess == after.hasProcess)
        if case .restarting = next.state { #expect(after.armed.contains(.backoff)) }
        if case .stopping(isKilled: false) = next.state { #expect(after.armed.contains(.grace)) }
        if next.isSettled { #expect(after.armed.isEmpty) }
        // Every field counts, private ones too; failures grow without end, so few are enough.
        let isNear = next.failureCount < 5 && next.restartCount < 5
        if isNear, seen.insert(Node(text: "\(next)", world: after)).inserted {
          queue.append((next, after))
        }
      }
    }
    #expect(seen.count > 100)
  }

  @Test func `a stop always ends in stopped once the process is gone`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      var machine = ReplicaStateMachine(policy: ReplicaPolicy(restart: .always))
      for _ in 0..<Int.random(in: 0..<30, using: &generator) {
        if let event = Event.all.randomElement(using: &generator) { _ = machine.take(event) }
      }
      _ = machine.stop()
      if machine.hasProcess { _ = machine.ended(.exited(status: 0)) }
      #expect(machine.state == .stopped)
      for event in Event.all where event != .start && event != .restart {
        #expect(!machine.take(event).contains(.spawn))
      }
    }
  }
}
