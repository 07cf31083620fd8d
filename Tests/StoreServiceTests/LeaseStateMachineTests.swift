import Faults
import StoreBackend
import TestSupport
import Testing

@testable import StoreService

@Suite struct LeaseStateMachineTests {
  private typealias Machine = LeaseStateMachine
  private static let ttl: UInt64 = 100

  private func key(_ name: String) -> LeaseKey { LeaseKey(product: .standard, name: name) }

  private func machine(attending names: String...) -> LeaseStateMachine {
    var machine = Machine()
    for (index, name) in names.enumerated() {
      _ = machine.attend(
        continuing: "", fresh: name, holder: name, ttl: Self.ttl, attendance: UInt64(index + 1),
        at: 0)
    }
    return machine
  }

  /// Acquires and says what was written.
  private func hold(
    _ machine: inout LeaseStateMachine, _ name: String, _ session: String, token: UInt64,
    at now: UInt64 = 0
  ) throws {
    #expect(try machine.acquire(key(name), for: session, at: now) == .write)
    #expect(machine.acquired(key(name), for: session, token: token) == [])
  }

  @Test func `a held lease is refused to another with the time it still has`() throws {
    var machine = machine(attending: "a", "b")
    try hold(&machine, "r", "a", token: 7, at: 10)
    #expect(try machine.acquire(key("r"), for: "a", at: 20) == .held(token: 7))
    let refused = #expect(throws: Fault.self) {
      try machine.acquire(key("r"), for: "b", at: 60)
    }
    #expect(refused?.reason == "LEASE_HELD" && refused?.retryAfter == .nanoseconds(60))
  }

  @Test func `a lease that is being written is refused to everyone else`() throws {
    var machine = machine(attending: "a", "b")
    #expect(try machine.acquire(key("r"), for: "a", at: 0) == .write)
    #expect(throws: Fault.self) { try machine.acquire(key("r"), for: "b", at: 1) }
    #expect(throws: Fault.self) { try machine.acquire(key("r"), for: "a", at: 1) }
    machine.notAcquired(key("r"))
    #expect(try machine.acquire(key("r"), for: "b", at: 2) == .write)
  }

  @Test func `a session that ends while its lease is written leaves no lease`() throws {
    var machine = machine(attending: "a", "b")
    #expect(try machine.acquire(key("r"), for: "a", at: 0) == .write)
    #expect(machine.attendanceEnded(1) == [])
    #expect(machine.acquired(key("r"), for: "a", token: 3) == [.end(key("r"), token: 3)])
    #expect(try machine.acquire(key("r"), for: "b", at: 1) == .write)
  }

  @Test func `silence for the whole time ends a session, a sign of life does not`() throws {
    var machine = machine(attending: "a", "b")
    try hold(&machine, "r", "a", token: 1)
    #expect(machine.nextDeadline == 100 && machine.tick(at: 99) == [])
    #expect(try machine.renew("a", at: 99) == 1)
    #expect(machine.tick(at: 100) == [.close(attendance: 2, .silent)])
    machine.heard(key("r"), token: 1, at: 150)
    machine.heard(key("r"), token: 9, at: 240)
    #expect(machine.tick(at: 249) == [])
    #expect(
      machine.tick(at: 250) == [
        .end(key("r"), token: 1), .tellEnded(key("r"), token: 1, attendance: 1),
        .close(attendance: 1, .silent),
      ])
    #expect(throws: Fault.self) { try machine.renew("a", at: 251) }
    #expect(machine.nextDeadline == nil && machine.attendanceEnded(1) == [])
  }

  @Test func `whoever could not listen forgives what it did not hear`() throws {
    var machine = machine(attending: "a")
    machine.forgive(500)
    #expect(machine.tick(at: 599) == [] && machine.nextDeadline == 600)
    #expect(machine.tick(at: 600) == [.close(attendance: 1, .silent)])
  }

  @Test func `a run without an owner is offered whenever it loses one`() throws {
    var machine = machine(attending: "a", "b")
    #expect(machine.runChanged(key("r"), wantsOwner: true) == [.offer(key("r"))])
    #expect(machine.runChanged(key("r"), wantsOwner: true) == [])
    #expect(machine.offered == [key("r")])
    try hold(&machine, "r", "a", token: 1)
    #expect(machine.offered == [])
    #expect(
      try machine.release(key("r"), by: "a", token: 1, at: 1)
        == [.end(key("r"), token: 1), .offer(key("r"))])
    #expect(try machine.release(key("r"), by: "a", token: 1, at: 1) == [])
    try hold(&machine, "r", "b", token: 2)
    #expect(machine.attendanceEnded(2) == [.end(key("r"), token: 2), .offer(key("r"))])
    try hold(&machine, "r", "a", token: 3)
    #expect(machine.runChanged(key("r"), wantsOwner: false) == [])
    #expect(machine.attendanceEnded(1) == [.end(key("r"), token: 3)])
  }

  @Test func `a run whose claim was refused is offered again, and so until somebody owns it`()
    throws
  {
    let interval = Machine.offerAgainAfter
    var machine = machine(attending: "a", "b")
    #expect(machine.nextOffers(at: 5) == nil)
    #expect(machine.runChanged(key("r"), wantsOwner: true) == [.offer(key("r"))])
    #expect(machine.nextOffers(at: 5) == 5 && machine.tick(at: 5) == [])
    #expect(machine.nextOffers(at: 6) == 5 + interval)
    // The claimant dies before it would have claimed again; the other was told that it is held.
    #expect(try machine.acquire(key("r"), for: "a", at: 6) == .write)
    #expect(throws: Fault.self) { try machine.acquire(key("r"), for: "b", at: 7) }
    machine.notAcquired(key("r"))
    #expect(machine.attendanceEnded(1) == [])
    _ = try machine.renew("b", at: 4 + interval)
    #expect(machine.tick(at: 4 + interval) == [])
    #expect(machine.tick(at: 5 + interval) == [.offer(key("r"))])
    #expect(machine.tick(at: 6 + interval) == [])
    _ = try machine.renew("b", at: 4 + 2 * interval)
    #expect(machine.tick(at: 5 + 2 * interval) == [.offer(key("r"))])
    try hold(&machine, "r", "b", token: 1, at: 6 + 2 * interval)
    _ = try machine.renew("b", at: 4 + 3 * interval)
    #expect(machine.tick(at: 5 + 3 * interval) == [])
    #expect(machine.runChanged(key("r"), wantsOwner: false) == [])
    #expect(machine.nextOffers(at: 5 + 3 * interval) == nil)
  }

  @Test func `of many runs that nobody can take each is offered again in its turn`() throws {
    var machine = Machine()
    let count = Machine.offersAgainMax * 5 / 2
    let names = Set((0..<count).map { key("r\($0)") })
    for name in names { _ = machine.runChanged(name, wantsOwner: true) }
    var offered: [LeaseKey] = []
    for round in 0...3 as ClosedRange<UInt64> {
      let actions = machine.tick(at: round * Machine.offerAgainAfter)
      #expect(actions.count == (round == 0 ? 0 : Machine.offersAgainMax))
      offered += actions.compactMap { if case .offer(let key) = $0 { key } else { nil } }
    }
    #expect(Set(offered) == names)
  }

  @Test func `a request goes to the owner, or to all when there is none`() throws {
    var machine = machine(attending: "a", "b")
    #expect(machine.runRequested(key("r")) == [.offer(key("r"))])
    try hold(&machine, "r", "b", token: 1)
    #expect(machine.runRequested(key("r")) == [.tellRequested(key("r"), attendance: 2)])
  }

  @Test func `a lease of a former process has its whole time, and may be taken on`() throws {
    for continues in [false, true] {
      var machine = Machine()
      machine.restore(
        [
          StoredLease(product: .standard, name: "r", session: "old", token: 5),
          StoredLease(product: .standard, name: "gone", session: "", token: 2),
        ], wanted: [RunName(product: .standard, runID: "r")], ttl: Self.ttl, at: 1000)
      _ = machine.attend(
        continuing: "unknown", fresh: "new", holder: "n", ttl: 900, attendance: 1, at: 1000)
      #expect(throws: Fault.self) { try machine.acquire(key("r"), for: "new", at: 1050) }
      #expect(try machine.acquire(key("gone"), for: "new", at: 1050) == .write)
      #expect(machine.tick(at: 1099) == [])
      if continues {
        let attended = machine.attend(
          continuing: "old", fresh: "x", holder: "o", ttl: Self.ttl, attendance: 2, at: 1099)
        #expect(attended.isContinued && attended.session == "old" && attended.held == [key("r")])
        #expect(try machine.acquire(key("r"), for: "old", at: 1100) == .held(token: 5))
        #expect(machine.tick(at: 1150) == [])
      } else {
        #expect(machine.tick(at: 1100) == [.end(key("r"), token: 5), .offer(key("r"))])
        #expect(try machine.acquire(key("r"), for: "new", at: 1101) == .write)
      }
    }
  }

  @Test func `a second stream of a session takes the place of the first`() throws {
    var machine = machine(attending: "a")
    try hold(&machine, "r", "a", token: 1)
    let again = machine.attend(
      continuing: "a", fresh: "x", holder: "a", ttl: Self.ttl, attendance: 9, at: 50)
    #expect(again.isContinued && again.actions == [.close(attendance: 1, .continued)])
    #expect(machine.attendanceEnded(1) == [])
    #expect(try machine.renew("a", at: 60) == 1)
    #expect(machine.attendanceEnded(9) == [.end(key("r"), token: 1)])
  }

  /// Any row of inputs: a lease has one holder, who is alive; what was freed was written as ended.
  @Test(arguments: 0..<200) func `no row of inputs gives a lease two holders`(_ seed: UInt64) throws
  {
    var random = SeededRandom(seed: seed)
    var machine = Machine()
    var now: UInt64 = 0
    var tokens: [String: UInt64] = [:]
    /// What the file would say, and who believes to hold what.
    var file: [String: UInt64] = [:]
    var believed: [String: [String: UInt64]] = [:]
    var writing: [(name: String, session: String)] = []
    var attendance: UInt64 = 0
    var attending: [UInt64: String] = [:]
    let names = ["r0", "r1", "r2"]

    func take(_ actions: [Machine.Action]) {
      for case .end(let key, let token) in actions where file[key.name] == token {
        file[key.name] = nil
      }
    }
    for _ in 0..<400 {
      now += UInt64.random(in: 0...40, using: &random)
      let session = "s\(Int.random(in: 0..<4, using: &random))"
      let name = names[Int.random(in: 0..<names.count, using: &random)]
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        attendance += 1
        let attended = machine.attend(
          continuing: session, fresh: session, holder: "", ttl: Self.ttl, attendance: attendance,
          at: now)
        take(attended.actions)
        attending[attendance] = session
        if !attended.isContinued { believed[session] = [:] }
      case 1:
        guard let number = attending.keys.sorted().first else { break }
        attending[number] = nil
        take(machine.attendanceEnded(number))
      case 2: _ = try? machine.renew(session, at: now)
      case 3, 4:
        if case .write = try? machine.acquire(key(name), for: session, at: now) {
          writing.append((name, session))
        }
      case 5:
        guard !writing.isEmpty else { break }
        let (name, session) = writing.removeFirst()
        let token = (tokens[name] ?? 0) + 1
        tokens[name] = token
        file[name] = token
        take(machine.acquired(key(name), for: session, token: token))
        believed[session, default: [:]][name] = token
      case 6:
        guard let token = believed[session]?[name] else { break }
        take((try? machine.release(key(name), by: session, token: token, at: now)) ?? [])
      default: take(machine.tick(at: now))
      }
      for name in names {
        let holders = machine.sessions.filter { $0.value.held[key(name)] != nil }
        #expect(holders.count <= 1)
        // Whoever the machine says holds it can commit, since the file has the same token.
        if let holder = holders.first { #expect(file[name] == holder.value.held[key(name)]) }
        if holders.isEmpty { #expect(file[name] == nil) }
      }
    }
  }
}
