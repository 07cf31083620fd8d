import EventLoop
import Failpoints
import Faults
import OrchestratorContract
import Protobuf
import RPC
import RunEngine
import RunWorkloads
import ScoreContract
import StoreContract
import Telemetry

/// The runs of this process: takes those that want an owner, keeps their leases alive, lets go of
/// them when a lease ends or the process does.
///
/// One attendance stream to Store stands for all of it: while it is open the leases live, and
/// when this process dies they are free at once.
actor RunOwner: LoopActor {
  nonisolated let loop: EventLoop
  private let services: RunServices
  private let holder: String
  private let runsMax: Int
  private var session = ""
  /// Until the store has said it.
  private var ttl = Duration.seconds(3)
  private var drivers: [OwnedRun: Ownership] = [:]
  /// Being acquired right now.
  private var claiming: Set<OwnedRun> = []
  /// Offered while they were still ours or on their way to be: claimed when they are not.
  private var offeredAgain: Set<OwnedRun> = []
  /// Heard of while there was no room, or while somebody else held it.
  private var waiting: Set<OwnedRun> = []
  /// Could not be worked on here, and when that was seen last.
  private var unfit: [OwnedRun: UInt64] = [:]
  private var renewing: Task<Void, Never>?
  private var isStopping = false
  private var emptied: [CheckedContinuation<Void, Never>] = []

  private struct Ownership {
    let driver: RunDriver
    let token: UInt64
  }

  /// Behind one another replica may be quicker: who owns less claims sooner.
  private static let claimDelayPerRun = Duration.milliseconds(2)
  private static let unfitFor = Duration.seconds(5)
  private static let unfitMax = 1024
  private static let claimAgainAfter = Duration.milliseconds(250)
  private static let reattendAfter = Duration.milliseconds(50)
  /// How long a stop waits for what is in flight before it leaves it to the next owner.
  private static let handBackWithin = Duration.seconds(3)

  init(_ services: RunServices, holder: String, runsMax: Int) {
    self.services = services
    self.holder = holder
    self.runsMax = runsMax
    loop = services.loop
  }

  /// Attends until the task is cancelled.
  func run() async {
    defer { renewing?.cancel() }
    while !Task.isCancelled, !isStopping {
      do {
        let request = AttendRequest(holder: holder, session: session)
        var options = CallOptions()
        options.patience = .upTo(.seconds(5))
        for try await attendance in services.store.attend(request, options: options) {
          take(attendance)
        }
      } catch {
        let fault = Fault(describing: error)
        if fault.code == .failedPrecondition || fault.code == .notFound { loseAll() }
        services.logger.info(
          "the store is away; attending again",
          [.reason: .string(fault.reason), .error: .string(fault.message)])
      }
      guard !Task.isCancelled, !isStopping else { break }
      try? await loop.sleep(for: Self.reattendAfter)
    }
  }

  /// What the store tells this session.
  private func take(_ attendance: Attendance) {
    switch attendance.kind {
    case .opened(let opened):
      // A session that could not be continued has lost its leases, whatever we think we own.
      if !opened.isContinued { loseAll() }
      session = opened.session
      ttl = .milliseconds(opened.ttlMs)
      heard(from: loop.nowNanoseconds)
      // From now on: the pace of the session before may be too slow for this one.
      renewing?.cancel()
      renewing = Task(executorPreference: loop) { await self.keepRenewing() }
    case .wantsOwner(let run): claim(OwnedRun(product: run.product, id: run.runId))
    case .requested(let request):
      let run = OwnedRun(product: request.product, id: request.runId)
      guard let driver = drivers[run]?.driver else { return claim(run) }
      Task { await driver.feed(.requested(request.request)) }
    case .leaseEnded(let lease):
      let run = OwnedRun(product: lease.product, id: lease.name)
      guard let ownership = drivers[run], ownership.token == lease.token else { return }
      lose(run)
    case nil: break
    }
  }

  // MARK: - Claiming

  private func claim(_ run: OwnedRun) {
    guard !isStopping else { return }
    // A lost lease and the offer of its run come together, before its driver has let go of it.
    guard drivers[run] == nil, !claiming.contains(run) else {
      offeredAgain.insert(run)
      return
    }
    guard drivers.count + claiming.count < runsMax else {
      waiting.insert(run)
      return
    }
    claiming.insert(run)
    var delay = Self.claimDelayPerRun * drivers.count
    if unfit[run] != nil { delay = Self.unfitFor }
    Task(executorPreference: loop) {
      if delay > .zero { try? await self.loop.sleep(for: delay) }
      await self.acquire(run)
    }
  }

  private func acquire(_ run: OwnedRun) async {
    let claimedIn = session
    var options = CallOptions(timeout: .seconds(10))
    options.metadata = run.metadata
    var token: UInt64 = 0
    do {
      Failpoint.pass("orchestrator.lease.before-acquire")
      let acquired = try await services.store.acquireLease(
        AcquireLeaseRequest(session: claimedIn, name: run.id), options: options)
      Failpoint.pass("orchestrator.lease.acquired")
      token = acquired.lease?.token ?? 0
      let answer = try await services.store.getRun(
        GetRunRequest(runId: run.id), options: options)
      claiming.remove(run)
      guard session == claimedIn, !isStopping, let stored = answer.run else {
        return claimIfOffered(run)
      }
      offeredAgain.remove(run)
      try begin(run, token, stored, answer.stages)
    } catch {
      claiming.remove(run)
      defer { claimIfOffered(run) }
      let fault = Fault(describing: error)
      // Somebody else was quicker: as it should be.
      guard fault.reason != "LEASE_HELD" else { return }
      if token > 0 {
        await giveUp(run, token, in: claimedIn)
      } else if fault.mayPass {
        claimLater(run, in: claimedIn)
      }
      services.logger.warning(
        "a run could not be taken",
        [.run: .string(run.id), .reason: .string(fault.reason), .error: .string(fault.message)])
    }
  }

  /// A store that could not write, as when its disk is full, offers the run to nobody again.
  private func claimLater(_ run: OwnedRun, in claimedIn: String) {
    Task(executorPreference: loop) {
      try? await self.loop.sleep(for: Self.claimAgainAfter)
      // A new session is offered everything anew.
      if await self.session == claimedIn { await self.claim(run) }
    }
  }

  private func claimIfOffered(_ run: OwnedRun) {
    if offeredAgain.remove(run) != nil { claim(run) }
  }

  /// A run that this replica cannot work on is for others, who may know its workload; it is not
  /// claimed again at once.
  private func giveUp(_ run: OwnedRun, _ token: UInt64, in session: String) async {
    if unfit.count >= Self.unfitMax { unfit = [:] }
    unfit[run] = loop.nowNanoseconds
    await giveBack(run, token, in: session)
  }

  private func giveBack(_ run: OwnedRun, _ token: UInt64, in session: String) async {
    var options = CallOptions(timeout: .seconds(10))
    options.metadata = run.metadata
    let request = ReleaseLeaseRequest(session: session, name: run.id, token: token)
    // While this session lives, a lease that was not given back keeps everybody else out.
    repeat {
      Failpoint.pass("orchestrator.lease.before-release")
      let fault = await Self.fault {
        _ = try await self.services.store.releaseLease(request, options: options)
      }
      Failpoint.pass("orchestrator.lease.released")
      guard let fault, fault.mayPass, !isStopping else { return }
      try? await loop.sleep(for: Self.claimAgainAfter)
    } while self.session == session
  }

  private static func fault(_ body: () async throws -> Void) async -> Fault? {
    do {
      try await body()
      return nil
    } catch {
      return Fault(describing: error)
    }
  }

  private func begin(
    _ run: OwnedRun, _ token: UInt64, _ stored: Run, _ stages: [Stage]
  ) throws {
    let spec = try RunSpec(unpacking: stored.spec)
    let workload = try WorkloadTable.workload(stored.workload)
    let driver = RunDriver(
      run, token: token, task: RunTask(workload: workload, spec: spec), services: services
    ) { run in
      self.loop.execute { self.assumeIsolated { $0.released(run) } }
    }
    drivers[run] = Ownership(driver: driver, token: token)
    services.metrics.owns(drivers.count)
    services.logger.info("working on a run", [.run: .string(run.id)])
    let ownership = RunOwnership(run: stored, stages: stages, ranForMs: ranFor(stored))
    Task { await driver.feed(.gained(ownership)) }
  }

  /// By the wall clock, which both owners of a run read.
  private func ranFor(_ run: Run) -> Int64 {
    guard run.runningSinceUs > 0 else { return 0 }
    let now = WallTime.now()
    let microseconds = now.seconds * 1_000_000 + Int64(now.nanoseconds) / 1000
    return max(0, (microseconds - run.runningSinceUs) / 1000)
  }

  // MARK: - Letting go

  /// The driver is done with it, or has lost it.
  private func released(_ run: OwnedRun) {
    guard let ownership = drivers.removeValue(forKey: run) else { return }
    services.metrics.owns(drivers.count)
    let session = session
    Task(executorPreference: loop) { await self.giveBack(run, ownership.token, in: session) }
    if drivers.isEmpty { tellEmptied() }
    claimIfOffered(run)
    if let next = waiting.popFirst() { claim(next) }
  }

  private func lose(_ run: OwnedRun) {
    guard let ownership = drivers[run] else { return }
    services.logger.warning("the lease of a run was lost", [.run: .string(run.id)])
    Task { await ownership.driver.feed(.leaseLost) }
  }

  private func loseAll() { for run in drivers.keys { lose(run) } }

  private func keepRenewing() async {
    while (try? await loop.sleep(for: ttl / 3)) != nil {
      guard !session.isEmpty else { continue }
      let sent = loop.nowNanoseconds
      do {
        _ = try await services.store.renewSession(
          RenewSessionRequest(session: session), options: CallOptions(timeout: ttl / 2))
        heard(from: sent)
      } catch {
        // By now somebody else may own them.
        if services.lease.hasEnded(at: loop.nowNanoseconds) { loseAll() }
      }
    }
  }

  /// The store knew of us when this was sent: leases live from there, not from its answer.
  private func heard(from sent: UInt64) {
    services.lease.live(until: sent + UInt64(max(0, ttl / .nanoseconds(1))))
  }

  // MARK: - The end

  /// Hands every run back: nothing new is asked, what is in flight is settled, as time allows.
  func stop() async {
    isStopping = true
    waiting = []
    for ownership in drivers.values {
      Task { await ownership.driver.feed(.handBack) }
    }
    guard !drivers.isEmpty else { return }
    let timer = loop.schedule(after: Self.handBackWithin) {
      self.assumeIsolated { $0.tellEmptied() }
    }
    await withCheckedContinuation { emptied.append($0) }
    timer.cancel()
  }

  /// Forgets everything at once and tells nobody, as a process does that is killed.
  func vanish() {
    isStopping = true
    waiting = []
    offeredAgain = []
    session = ""
    for ownership in drivers.values { Task { await ownership.driver.abandon() } }
    drivers = [:]
    tellEmptied()
  }

  private func tellEmptied() {
    for waiter in emptied { waiter.resume() }
    emptied = []
  }
}

extension Fault {
  /// Whether the same may be done a little later.
  fileprivate var mayPass: Bool {
    [.unavailable, .resourceExhausted, .deadlineExceeded, .aborted].contains(code)
  }
}
