import EventLoop
import Faults
import Locking
import ScoreContract
import StoreBackend
import StoreContract
import Telemetry

/// Sessions and leases as calls see them: the state machine, its clock, its timer, and the
/// mailboxes of those who attend.
///
/// What it is told comes on the loop; orders that it gives go to the queue of commits.
final class LeaseDesk: Sendable {
  private struct State {
    var machine = LeaseStateMachine()
    var mailboxes: [UInt64: AttendanceMailbox] = [:]
    var lastAttendance: UInt64 = 0
    /// The instant for which a timer is set; that of an earlier one is left alone.
    var armed = UInt64.max
    var isClosed = false
  }

  private let loop: EventLoop
  let ttlDefault: Duration
  private let metrics: StoreMetrics
  private let write: @Sendable (WriteOrder) -> Void
  private let state = Lock(State())

  /// A timer that comes later than this means that this process was held up.
  private static let latenessForgiven: UInt64 = 100_000_000

  /// `write` takes orders for which nobody waits.
  init(
    on loop: EventLoop, ttl: Duration, metrics: StoreMetrics,
    write: @escaping @Sendable (WriteOrder) -> Void
  ) {
    self.loop = loop
    ttlDefault = ttl
    self.metrics = metrics
    self.write = write
  }

  func restore(_ leases: [StoredLease], wanted: [RunName]) {
    change { machine, now in
      machine.restore(leases, wanted: wanted, ttl: ttlDefault.wholeNanoseconds, at: now)
      return []
    }
  }

  // MARK: - Attending

  /// One stream that attends.
  struct Seat: Sendable {
    let number: UInt64
    let mailbox: AttendanceMailbox
    let session: String
    let isContinued: Bool
    let held: Set<LeaseKey>
  }

  func attend(continuing session: String, holder: String, ttl: Duration) throws(Fault) -> Seat {
    let mailbox = AttendanceMailbox()
    let number = try state.withLock { state throws(Fault) in
      if state.isClosed { throw .shuttingDown }
      state.lastAttendance += 1
      state.mailboxes[state.lastAttendance] = mailbox
      return state.lastAttendance
    }
    let fresh = Self.freshSession()
    let attended = change { machine, now in
      machine.attend(
        continuing: session, fresh: fresh, holder: holder, ttl: ttl.wholeNanoseconds,
        attendance: number, at: now)
    } actions: {
      $0.actions
    }
    return Seat(
      number: number, mailbox: mailbox, session: attended.session,
      isContinued: attended.isContinued, held: attended.held)
  }

  /// The stream is gone; when it is this process that goes, its session may be continued.
  func left(_ seat: Seat) {
    let isClosed = state.withLock { state in
      state.mailboxes[seat.number] = nil
      return state.isClosed
    }
    if !isClosed { change { machine, _ in machine.attendanceEnded(seat.number) } }
  }

  /// Runs that want an owner and have none.
  var offered: [LeaseKey] { state.withLock { $0.machine.offered } }

  func wanted(among keys: Set<LeaseKey>) -> Set<LeaseKey> {
    state.withLock { $0.machine.wanted(among: keys) }
  }

  /// Ends every stream and writes nothing more: sessions live on in the file.
  func close() {
    let mailboxes = state.withLock { state in
      state.isClosed = true
      return state.mailboxes.values
    }
    for mailbox in mailboxes { mailbox.end(.shuttingDown) }
  }

  private static func freshSession() -> String {
    var generator = SystemRandomNumberGenerator()
    let halves = [generator.next(), generator.next()].map { (number: UInt64) in
      let text = String(number, radix: 16)
      return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
    return halves.joined()
  }

  // MARK: - Leases

  func renew(_ session: String) throws(Fault) -> Int {
    try decide { machine, now throws(Fault) in try machine.renew(session, at: now) }
  }

  func acquire(
    _ key: LeaseKey, for session: String
  ) throws(Fault) -> LeaseStateMachine.Acquisition {
    try decide { machine, now throws(Fault) in try machine.acquire(key, for: session, at: now) }
  }

  /// The order for it was written; the session may have ended meanwhile.
  func acquired(_ key: LeaseKey, for session: String, token: UInt64) throws(Fault) {
    let hasEnded = change { machine, _ in
      let actions = machine.acquired(key, for: session, token: token)
      return (machine.sessions[session] == nil, actions)
    } actions: {
      $0.1
    }.0
    if hasEnded { throw .unknownSession }
  }

  func notAcquired(_ key: LeaseKey) { state.withLock { $0.machine.notAcquired(key) } }

  func release(_ key: LeaseKey, by session: String, token: UInt64) throws(Fault) {
    let actions = try decide { machine, now throws(Fault) in
      try machine.release(key, by: session, token: token, at: now)
    }
    perform(actions)
  }

  func remaining(of session: String) -> Duration {
    let now = loop.nowNanoseconds
    return .nanoseconds(
      Int64(clamping: state.withLock { $0.machine.remaining(of: session, at: now) }))
  }

  func heard(_ key: LeaseKey, token: UInt64) {
    let now = loop.nowNanoseconds
    state.withLock { $0.machine.heard(key, token: token, at: now) }
  }

  // MARK: - Runs

  func runChanged(_ key: LeaseKey, wantsOwner: Bool) {
    change { machine, _ in machine.runChanged(key, wantsOwner: wantsOwner) }
  }

  func runRequested(_ key: LeaseKey, _ request: RunRequest) {
    change(about: request) { machine, _ in machine.runRequested(key) }
  }

  // MARK: - Inputs and actions

  private func decide<R: Sendable>(
    _ body: (inout LeaseStateMachine, UInt64) throws(Fault) -> R
  ) throws(Fault) -> R {
    let now = loop.nowNanoseconds
    let result = try state.withLock { state throws(Fault) in try body(&state.machine, now) }
    arm()
    return result
  }

  private func change(
    about request: RunRequest = .unspecified,
    _ body: (inout LeaseStateMachine, UInt64) -> [LeaseStateMachine.Action]
  ) {
    let now = loop.nowNanoseconds
    perform(state.withLock { body(&$0.machine, now) }, request)
    arm()
  }

  private func change<R: Sendable>(
    _ body: (inout LeaseStateMachine, UInt64) -> R, actions: (R) -> [LeaseStateMachine.Action]
  ) -> R {
    let now = loop.nowNanoseconds
    let result = state.withLock { body(&$0.machine, now) }
    perform(actions(result))
    arm()
    return result
  }

  private func perform(
    _ actions: [LeaseStateMachine.Action], _ request: RunRequest = .unspecified
  ) {
    for action in actions {
      switch action {
      case .end(let key, let token): write(.endLease(key.product, name: key.name, token: token))
      case .offer(let key):
        let all = state.withLock { Array($0.mailboxes.values) }
        for mailbox in all { mailbox.put(.wantsOwner(key)) }
      case .tellEnded(let key, let token, let attendance):
        let lease = LeaseEnded(product: key.product.name, name: key.name, token: token)
        mailbox(attendance)?.put(Attendance(kind: .leaseEnded(lease)))
      case .tellRequested(let key, let attendance):
        let asked = RunIsRequested(product: key.product.name, runId: key.name, request: request)
        mailbox(attendance)?.put(Attendance(kind: .requested(asked)))
      case .close(let attendance, let reason):
        if reason == .silent { metrics.sessionsExpired.add() }
        mailbox(attendance)?.end(reason == .silent ? .unknownSession : .sessionContinued)
      }
    }
    let (leases, sessions) = state.withLock {
      ($0.machine.leaseCount, $0.machine.sessions.count)
    }
    metrics.leases.set(Int64(leases))
    metrics.sessions.set(Int64(sessions))
  }

  private func mailbox(_ attendance: UInt64) -> AttendanceMailbox? {
    state.withLock { $0.mailboxes[attendance] }
  }

  // MARK: - The timer

  private func arm() {
    let now = loop.nowNanoseconds
    let due = state.withLock { state -> UInt64? in
      let times = [state.machine.nextDeadline, state.machine.nextOffers(at: now)]
      guard !state.isClosed, let next = times.compactMap(\.self).min(), next < state.armed
      else { return nil }
      state.armed = next
      return next
    }
    guard let due else { return }
    loop.execute { [weak self] in
      guard let self else { return }
      let now = loop.nowNanoseconds
      let wait = Duration.nanoseconds(Int64(clamping: due > now ? due - now : 0))
      loop.schedule(after: wait) { [weak self] in self?.fired(due) }
    }
  }

  private func fired(_ due: UInt64) {
    let isCurrent = state.withLock { state in
      guard state.armed == due, !state.isClosed else { return false }
      state.armed = .max
      return true
    }
    guard isCurrent else { return }
    change { machine, now in
      let lateness = now - min(now, due)
      if lateness > Self.latenessForgiven { machine.forgive(lateness) }
      return machine.tick(at: now)
    }
  }
}

extension Fault {
  static let shuttingDown = Fault(
    .unavailable, reason: "SHUTTING_DOWN", "The store is stopping.",
    retryAfter: .milliseconds(100), hint: "Ask again: it is back soon, and nothing is lost.")

  static let sessionContinued = Fault(
    .aborted, reason: "SESSION_CONTINUED", "Another stream attends for this session.")
}

extension Duration {
  /// Less than nothing counts as nothing.
  var wholeNanoseconds: UInt64 { UInt64(clamping: Int64(max(.zero, self) / .nanoseconds(1))) }
}
