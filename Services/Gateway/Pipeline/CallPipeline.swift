package import Blobs
package import EventLoop
import Faults
package import GatewayCatalog
package import GatewayLedger
package import GatewayLimits
import GatewayPacing
import GatewayPrompts
import GatewayProviders
package import GatewayValues
import LedgerFile
package import Telemetry

/// Makes calls: every stage of one, and what they share.
///
/// All of its state belongs to one loop; a call runs there from its first stage to its last, but
/// for the disk, which has threads of its own.
package actor CallPipeline: LoopActor {
  package nonisolated let loop: EventLoop
  let ledger: Ledger
  let upstreams: Upstreams
  /// Where documents lie that calls refer to; nil: no call may.
  let blobs: (any BlobStore)?
  let logger: Logger
  var catalog: Catalog { didSet { routeBook = RouteBook() } }
  var routeBook = RouteBook()
  var cache: any ResponseCache
  var desk: AdmissionDesk
  var retryBudget: RetryBudget
  let retryPolicy: RetryPlan.Policy
  let plansPrompts: Bool
  var prompts = PromptPlanner()
  let promptCounts: PromptCounts
  var counts: CallCounts
  /// When calls of a model are asked twice, and those for which that may happen now.
  var hedges: [String: HedgePlan] = [:]
  var races: [UInt64: AttemptRace] = [:]
  var lastRaceID: UInt64 = 0
  let hedgeCounts: HedgeCounts
  /// Who waits for a call that writes what many will read, by the planner's name of that call.
  var promptWaiters: [UInt64: [UInt64: CheckedContinuation<Void, Never>]] = [:]
  var lastPromptWaiter: UInt64 = 0
  var random = SystemRandomNumberGenerator()
  private let clockStart = ContinuousClock.now

  /// Calls that are being made.
  var airborne: [UInt64: CallFlight] = [:]
  var lastFlightID: UInt64 = 0
  /// Those that others may join, by what would be the same answer.
  var flights: [FlightName: CallFlight] = [:]
  /// Calls that are being made under a key.
  var flightsByKey: [CallName: CallFlight] = [:]
  /// Who waits for the desk.
  var waiters: [UInt64: CheckedContinuation<Ticket, any Error>] = [:]
  /// What the desk said before the call had begun to wait for it.
  private var early: [UInt64: Result<Ticket, any Error>] = [:]
  var lastCallID: UInt64 = 0
  private var wake: LoopTimer?
  /// A catalog that is ready to be taken.
  var staged: StagedCatalog?
  var pace = CallPace()

  package init(
    catalog: Catalog, ledger: Ledger, cache: any ResponseCache, upstreams: sending Upstreams,
    blobs: (any BlobStore)? = nil, retryPolicy: RetryPlan.Policy = RetryPlan.Policy(),
    plansPrompts: Bool = true, metrics: Metrics, logger: Logger, loop: EventLoop
  ) throws {
    self.loop = loop
    self.catalog = catalog
    self.ledger = ledger
    self.cache = cache
    self.upstreams = upstreams
    self.blobs = blobs
    self.logger = logger
    self.retryPolicy = retryPolicy
    self.plansPrompts = plansPrompts
    promptCounts = PromptCounts(metrics)
    counts = CallCounts(metrics)
    hedgeCounts = HedgeCounts(metrics)
    retryBudget = RetryBudget(RetryBudget.Policy())
    do {
      desk = try AdmissionDesk(DeskConfiguration(catalog))
    } catch {
      throw Fault(
        .failedPrecondition, reason: "BAD_CATALOG", "The limits are wrong: \(error.text).")
    }
  }

  var now: MonotonicInstant {
    let (seconds, attoseconds) = (ContinuousClock.now - clockStart).components
    return MonotonicInstant(nanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  package var wallMilliseconds: Int64 {
    let now = WallTime.now()
    return now.seconds * 1_000 + Int64(now.nanoseconds) / 1_000_000
  }

  package nonisolated var hasBlobs: Bool { blobs != nil }
  package var callsInFlight: Int { airborne.count }
  package var callsWaiting: Int { desk.waitingCount }

  /// What a call would cost at most, by the rules that hold now.
  package func quote(_ request: CallRequest) throws -> (NanoDollars, CallBound, String) {
    let call = try prepared(request)
    return (call.cost, call.bound, call.price.version)
  }

  package var models: Catalog { catalog }

  // MARK: - The desk

  /// Waits until the desk lets a call leave.
  func admitted(_ call: Call) async throws -> Ticket {
    switch desk.ask(call, at: now) {
    case .admitted(let ticket):
      pump()
      return ticket
    case .refused(let refusal): throw refusal.fault
    case .waiting: break
    }
    pump()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // The desk may have let it go between its question and this line.
        if let answer = early.removeValue(forKey: call.id) {
          continuation.resume(with: answer)
        } else {
          waiters[call.id] = continuation
        }
      }
    } onCancel: {
      loop.execute { self.assumeIsolated { $0.giveUp(call.id) } }
    }
  }

  private func giveUp(_ id: UInt64) {
    guard let waiter = waiters.removeValue(forKey: id) else { return }
    _ = desk.cancel(id)
    waiter.resume(throwing: CancellationError())
    pump()
  }

  /// Lets go whoever may, and comes again when the next may.
  func pump() {
    for released in desk.next(at: now) {
      switch released {
      case .admitted(let ticket): answer(ticket.id, .success(ticket))
      case .refused(let id, let refusal): answer(id, .failure(refusal.fault))
      case .lost(let ticket):
        logger.error("a call was not settled in time", [.call: .int(ticket.id)])
      }
    }
    if let wake {
      wake.cancel()
      self.wake = nil
    }
    guard let at = desk.nextWake() else { return }
    wake = loop.schedule(after: max(.zero, at - now)) { [weak self] in
      self?.assumeIsolated { $0.pump() }
    }
  }

  private func answer(_ id: UInt64, _ result: Result<Ticket, any Error>) {
    if let waiter = waiters.removeValue(forKey: id) {
      waiter.resume(with: result)
    } else {
      early[id] = result
    }
  }
}

extension Refusal {
  /// Why a call may not leave, for whoever asked.
  var fault: Fault {
    switch reason {
    case .queueFull, .productQueueFull:
      Fault(
        .resourceExhausted, reason: "QUEUE_FULL", "Too many calls wait already.",
        retryAfter: retryAfter ?? .seconds(1))
    case .deadline:
      Fault(
        .deadlineExceeded, reason: "WAITED_TOO_LONG",
        "The call could not leave before its deadline.", retryAfter: retryAfter)
    case .tooLarge(let scope, let kind):
      Fault(
        .outOfRange, reason: "REQUEST_TOO_LARGE",
        "The call is larger than the \(scope)'s limit of \(kind) ever allows.",
        hint: "Ask for less output, send less input, or have the limit raised.")
    case .unknownProduct:
      Fault(
        .permissionDenied, reason: "UNKNOWN_PRODUCT", "The gateway knows no such product.")
    case .unknownRoute, .senseless, .alreadyAsked:
      Fault(.internal, reason: "BAD_ADMISSION", "The call was asked for in a way that cannot be.")
    case .noRoute(let why): Self.closed(why, retryAfter)
    }
  }

  private static func closed(_ why: WaitReason, _ retryAfter: Duration?) -> Fault {
    switch why {
    case .quotaExhausted:
      Fault(
        .resourceExhausted, reason: "QUOTA_EXHAUSTED",
        "The provider's quota or spend limit is used up.", retryAfter: retryAfter,
        hint: "Raise it there, or wait until its date.")
    case .closed:
      Fault(
        .failedPrecondition, reason: "BAD_CREDENTIALS",
        "The provider has refused every key that could be used.",
        hint: "Put a working key into the file that the gateway's file names.")
    case .breakerOpen, .probing:
      Fault(
        .unavailable, reason: "PROVIDER_UNAVAILABLE", "The provider fails; it is left alone.",
        retryAfter: retryAfter ?? .seconds(1))
    default:
      Fault(
        .resourceExhausted, reason: "RATE_LIMITED", "No way to the model is open in time.",
        retryAfter: retryAfter)
    }
  }
}
