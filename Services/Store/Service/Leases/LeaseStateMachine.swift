import Faults
import StoreBackend

/// What is owned: a run or a subject, of one product.
struct LeaseKey: Hashable, Comparable, Sendable {
  let product: ProductScope
  let name: String

  static func < (left: LeaseKey, right: LeaseKey) -> Bool {
    (left.product.name, left.name) < (right.product.name, right.name)
  }
}

/// Who attends, what they hold and until when: no I/O, no clock, no randomness. Time comes with
/// each input and is monotonic.
///
/// Only `tick` ends a session for its silence, so that a process that was held up itself can hear
/// what was said meanwhile before it judges.
struct LeaseStateMachine: Sendable {
  struct Session: Sendable {
    let holder: String
    var ttl: UInt64
    var deadline: UInt64
    /// The stream that attends; nil for a session that is only known from the file.
    var attendance: UInt64?
    var held: [LeaseKey: UInt64] = [:]
  }

  /// What is to be done because of an input.
  enum Action: Equatable, Sendable {
    /// Write that nobody holds this any more, unless under another token.
    case end(LeaseKey, token: UInt64)
    /// Tell all who attend that a run wants an owner.
    case offer(LeaseKey)
    /// Tell one who attends that its lease is gone.
    case tellEnded(LeaseKey, token: UInt64, attendance: UInt64)
    /// Tell an owner that its run was asked something.
    case tellRequested(LeaseKey, attendance: UInt64)
    /// The stream has nothing to attend any more.
    case close(attendance: UInt64, Reason)

    enum Reason: Equatable, Sendable {
      case silent
      /// Another stream attends for the same session.
      case continued
    }
  }

  private(set) var sessions: [String: Session] = [:]
  private var holders: [LeaseKey: String] = [:]
  /// Leases that are being written for a session.
  private var acquiring: [LeaseKey: String] = [:]
  private var attending: [UInt64: String] = [:]
  /// Runs that somebody must work on.
  private var wanted: Set<LeaseKey> = []
  /// Those that had no owner in the latest round of offers.
  private var leftOver: Set<LeaseKey> = []
  private var nextRound: UInt64 = 0
  private var lastOfferedAgain: LeaseKey?

  /// An offer may reach nobody who can use it: whoever claims the run keeps others from it, and
  /// may be refused by a full disk and die. So a run without an owner is offered again between
  /// one and two of these later, whatever became of the offer before.
  static let offerAgainAfter: UInt64 = 1_000_000_000
  /// Of one round, or a store whose replicas are all busy would do little else; the rounds after
  /// it go on where it ended.
  static let offersAgainMax = 256

  // MARK: - A store that starts

  /// What the file knows: each session gets its whole time to be heard before its leases are free.
  mutating func restore(
    _ leases: [StoredLease], wanted runs: [RunName], ttl: UInt64, at now: UInt64
  ) {
    for lease in leases where !lease.session.isEmpty {
      let key = LeaseKey(product: lease.product, name: lease.name)
      sessions[lease.session, default: Session(holder: "", ttl: ttl, deadline: now + ttl)]
        .held[key] = lease.token
      holders[key] = lease.session
    }
    wanted = Set(runs.map { LeaseKey(product: $0.product, name: $0.runID) })
  }

  // MARK: - Sessions

  /// What became of a wish to attend.
  struct Attended: Equatable, Sendable {
    let session: String
    let isContinued: Bool
    let held: Set<LeaseKey>
    let actions: [Action]
  }

  /// Opens a session under a fresh name, or goes on with one that still lives.
  mutating func attend(
    continuing name: String, fresh: String, holder: String, ttl: UInt64, attendance: UInt64,
    at now: UInt64
  ) -> Attended {
    var actions: [Action] = []
    if !name.isEmpty, var session = sessions[name] {
      if let older = session.attendance {
        attending[older] = nil
        actions.append(.close(attendance: older, .continued))
      }
      session.attendance = attendance
      session.ttl = ttl
      session.deadline = now + ttl
      sessions[name] = session
      attending[attendance] = name
      return Attended(
        session: name, isContinued: true, held: Set(session.held.keys), actions: actions)
    }
    sessions[fresh] = Session(
      holder: holder, ttl: ttl, deadline: now + ttl, attendance: attendance)
    attending[attendance] = fresh
    return Attended(session: fresh, isContinued: false, held: [], actions: [])
  }

  /// A stream ended: its session with it, unless another stream attends for it by now.
  mutating func attendanceEnded(_ attendance: UInt64) -> [Action] {
    guard let name = attending.removeValue(forKey: attendance) else { return [] }
    return end(name)
  }

  /// A sign of life; answers how many leases it was for.
  mutating func renew(_ name: String, at now: UInt64) throws(Fault) -> Int {
    try hear(name, at: now)
    return sessions[name]?.held.count ?? 0
  }

  /// A sign of life that came with a commit under a lease.
  mutating func heard(_ key: LeaseKey, token: UInt64, at now: UInt64) {
    guard let name = holders[key], sessions[name]?.held[key] == token else { return }
    try? hear(name, at: now)
  }

  private mutating func hear(_ name: String, at now: UInt64) throws(Fault) {
    guard let ttl = sessions[name]?.ttl else { throw .unknownSession }
    sessions[name]?.deadline = now + ttl
  }

  // MARK: - Time

  /// When `tick` has something to do next.
  var nextDeadline: UInt64? { sessions.values.lazy.map(\.deadline).min() }

  /// When `tick` offers runs again, if there are any; not in the past.
  func nextOffers(at now: UInt64) -> UInt64? { wanted.isEmpty ? nil : max(nextRound, now) }

  /// Ends sessions that were silent for their whole time, and offers again what nobody took.
  mutating func tick(at now: UInt64) -> [Action] { endSilent(at: now) + offerAgain(at: now) }

  private mutating func endSilent(at now: UInt64) -> [Action] {
    let silent = sessions.filter { $0.value.deadline <= now }.map(\.key).sorted()
    return silent.flatMap { name -> [Action] in
      let attendance = sessions[name]?.attendance
      let held = sessions[name]?.held ?? [:]
      var actions = end(name)
      guard let attendance else { return actions }
      attending[attendance] = nil
      for (key, token) in held.inOrder {
        actions.append(.tellEnded(key, token: token, attendance: attendance))
      }
      return actions + [.close(attendance: attendance, .silent)]
    }
  }

  /// What has had no owner since the round before.
  private mutating func offerAgain(at now: UInt64) -> [Action] {
    guard now >= nextRound, !wanted.isEmpty else { return [] }
    nextRound = now + Self.offerAgainAfter
    let free = wanted.filter(isOffered)
    var again = leftOver.intersection(free).sorted()
    leftOver = free
    if again.count > Self.offersAgainMax {
      let next = lastOfferedAgain.flatMap { last in again.firstIndex { last < $0 } } ?? 0
      again = Array((again[next...] + again[..<next]).prefix(Self.offersAgainMax))
    }
    lastOfferedAgain = again.last
    return again.map(Action.offer)
  }

  /// This process could not listen for so long: nobody is silent because of that.
  mutating func forgive(_ lateness: UInt64) {
    for name in sessions.keys { sessions[name]?.deadline += lateness }
  }

  private mutating func end(_ name: String) -> [Action] {
    guard let session = sessions.removeValue(forKey: name) else { return [] }
    return session.held.inOrder.flatMap { key, token in free(key, token) }
  }

  private mutating func free(_ key: LeaseKey, _ token: UInt64) -> [Action] {
    holders[key] = nil
    return [.end(key, token: token)] + (isOffered(key) ? [.offer(key)] : [])
  }
}

// MARK: - Leases

extension LeaseStateMachine {
  /// What an acquire asks for.
  enum Acquisition: Equatable, Sendable {
    /// The session holds it already.
    case held(token: UInt64)
    /// It must be written first; `acquired` or `notAcquired` follows.
    case write
  }

  mutating func acquire(
    _ key: LeaseKey, for name: String, at now: UInt64
  ) throws(Fault) -> Acquisition {
    try hear(name, at: now)
    if let other = acquiring[key] {
      throw .leaseHeld(key.name, remaining: remaining(of: other, at: now))
    }
    guard let holder = holders[key] else {
      acquiring[key] = name
      return .write
    }
    guard holder == name, let token = sessions[name]?.held[key] else {
      throw .leaseHeld(key.name, remaining: remaining(of: holder, at: now))
    }
    return .held(token: token)
  }

  /// The lease is on disk; when its session has ended meanwhile, so has the lease.
  mutating func acquired(_ key: LeaseKey, for name: String, token: UInt64) -> [Action] {
    acquiring[key] = nil
    guard sessions[name] != nil else { return free(key, token) }
    holders[key] = name
    sessions[name]?.held[key] = token
    return []
  }

  mutating func notAcquired(_ key: LeaseKey) { acquiring[key] = nil }

  /// Nothing happens when the session does not hold it under this token.
  mutating func release(
    _ key: LeaseKey, by name: String, token: UInt64, at now: UInt64
  ) throws(Fault) -> [Action] {
    try hear(name, at: now)
    guard sessions[name]?.held[key] == token else { return [] }
    sessions[name]?.held[key] = nil
    return free(key, token)
  }

  /// How long a session lives without a further sign, in nanoseconds.
  func remaining(of name: String, at now: UInt64) -> UInt64 {
    guard let deadline = sessions[name]?.deadline, deadline > now else { return 0 }
    return deadline - now
  }

  // MARK: - Runs

  /// A commit or a new run says whether somebody must work on it.
  mutating func runChanged(_ key: LeaseKey, wantsOwner: Bool) -> [Action] {
    guard wantsOwner else {
      wanted.remove(key)
      return []
    }
    let isNew = wanted.insert(key).inserted
    return isNew && isOffered(key) ? [.offer(key)] : []
  }

  /// A person asked something of a run: its owner hears it, or whoever may become one.
  mutating func runRequested(_ key: LeaseKey) -> [Action] {
    wanted.insert(key)
    if let holder = holders[key] {
      guard let attendance = sessions[holder]?.attendance else { return [] }
      return [.tellRequested(key, attendance: attendance)]
    }
    return isOffered(key) ? [.offer(key)] : []
  }

  /// Runs that want an owner and have none.
  var offered: [LeaseKey] {
    wanted.filter(isOffered).sorted()
  }

  /// Of some leases, those whose run wants an owner.
  func wanted(among keys: Set<LeaseKey>) -> Set<LeaseKey> { wanted.intersection(keys) }

  var leaseCount: Int { holders.count }

  private func isOffered(_ key: LeaseKey) -> Bool {
    wanted.contains(key) && holders[key] == nil && acquiring[key] == nil
  }
}

extension [LeaseKey: UInt64] {
  /// By name, so that the same inputs lead to the same actions.
  fileprivate var inOrder: [(key: LeaseKey, value: UInt64)] {
    sorted { $0.key < $1.key }
  }
}

extension Fault {
  static let unknownSession = Fault(
    .failedPrecondition, reason: "SESSION_ENDED", "This session has ended, and its leases with it.",
    hint: "Attend again, and acquire what is to be owned.")

  static func leaseHeld(_ name: String, remaining: UInt64) -> Fault {
    Fault(
      .failedPrecondition, reason: "LEASE_HELD", "The lease '\(name)' is held by another session.",
      retryAfter: .nanoseconds(Int64(clamping: remaining)),
      facts: ["lease": name, "remaining_ms": String(remaining / 1_000_000)])
  }
}
