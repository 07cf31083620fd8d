import EventLoop
import Faults
import Locking
import StoreBackend
import StoreContract
import Telemetry

/// Orders on their way to the one writer: they wait in a bounded queue, are taken in groups by
/// the writer's thread, and are answered together when their group is on disk.
///
/// One wake-up of the writer takes all that waits, one wake-up of the loop answers a whole group:
/// while a group is written the loop reads the orders of the next.
final class CommitQueue: Sendable {
  fileprivate struct Pending: Sendable {
    let order: WriteOrder
    let arrived: UInt64
    /// Nil when nobody waits.
    let answer: CheckedContinuation<Result<WriteReceipt, Fault>, Never>?
  }

  fileprivate enum Work: Sendable {
    case write(Pending)
    /// Something else to do with the writer, between two groups.
    case errand(@Sendable (Seat) -> Void)
  }

  /// What the writer's thread owns.
  fileprivate final class Seat {
    let writer: any StoreUpkeep
    /// The copy that is being made.
    var copy: (any StoreCopying)?
    /// The latest time that was written: a wall clock set back does not reorder facts.
    var latest: Int64 = 0

    init(_ writer: any StoreUpkeep) { self.writer = writer }
  }

  private let loop: EventLoop
  private let metrics: StoreMetrics
  private let threads: OwnerThreads<Work>
  private let onReceipt: @Sendable (WriteOrder, WriteReceipt) -> Void
  private let breakage = Breakage()
  private let pace = Pace()

  /// How long a writer has nothing to do before it puts its file in order.
  private static let restAfter = Duration.seconds(2)

  /// `onReceipt` is called on the loop for what is on disk, in the order of the writes and before
  /// anybody is answered.
  init(
    on loop: EventLoop, metrics: StoreMetrics, waitingMax: Int = StoreLimits.ordersWaitingMax,
    onReceipt: @escaping @Sendable (WriteOrder, WriteReceipt) -> Void
  ) {
    self.loop = loop
    self.metrics = metrics
    self.onReceipt = onReceipt
    threads = OwnerThreads(
      name: "store-writer", waitingMax: waitingMax,
      groupMax: StoreLimits.ordersPerGroupMax)
  }

  /// What a writer knows when it is opened.
  struct Opened: Sendable {
    let leases: [StoredLease]
    let runsWantingOwner: [RunName]
    var journalAbsence: String?
  }

  private final class Found: Sendable {
    let opened = Lock(Opened(leases: [], runsWantingOwner: []))
  }

  /// Opens the writer on its thread.
  func open(_ open: @escaping @Sendable () throws -> any StoreUpkeep) async throws -> Opened {
    let found = Found()
    let (loop, metrics, onReceipt, breakage) = (loop, metrics, onReceipt, breakage)
    let pace = pace
    try await threads.start(
      open: {
        let seat = Seat(try open())
        let (leases, runs) = (try seat.writer.leases(), try seat.writer.runsWantingOwner())
        let absence = seat.writer.journalAbsence
        found.opened.withLock {
          $0 = Opened(leases: leases, runsWantingOwner: runs, journalAbsence: absence)
        }
        return seat
      },
      take: { seat, work in
        let group = work.compactMap(\.order)
        if !group.isEmpty { Self.write(group, seat, loop, metrics, pace, onReceipt) }
        for case .errand(let errand) in work { errand(seat) }
        if let fault = seat.writer.fault { breakage.happened(fault) }
      },
      lingerMax: Pace.lingerMax, restAfter: Self.restAfter,
      rest: { seat in
        seat.writer.rest()
        metrics.logBytes.set(Int64(seat.writer.logBytes))
      },
      close: { seat in seat.writer.rest() })
    return found.opened.withLock { $0 }
  }

  private static func write(
    _ group: [Pending], _ seat: Seat, _ loop: EventLoop, _ metrics: StoreMetrics, _ pace: Pace,
    _ onReceipt: @escaping @Sendable (WriteOrder, WriteReceipt) -> Void
  ) {
    let began = loop.nowNanoseconds
    seat.latest = max(seat.latest, WallTime.now().microseconds)
    let results = seat.writer.write(group.map(\.order), atMicroseconds: seat.latest)
    let ended = loop.nowNanoseconds
    loop.execute {
      pace.left(group.count, on: loop)
      metrics.groupTime.record(ended - began)
      metrics.groupSize.record(UInt64(group.count))
      metrics.orders.add(UInt64(group.count))
      for (pending, result) in zip(group, results) {
        metrics.queueWait.record(began - min(began, pending.arrived))
        if case .success(let receipt) = result { onReceipt(pending.order, receipt) }
        pending.answer?.resume(returning: result)
      }
    }
    // While the callers hear of it and write their next.
    seat.writer.tidy()
    metrics.logBytes.set(Int64(seat.writer.logBytes))
  }

  // MARK: - Orders

  /// Returns when the order is on disk, or refused.
  func write(_ order: WriteOrder) async throws(Fault) -> WriteReceipt {
    let arrived = loop.nowNanoseconds
    let result = await withCheckedContinuation {
      (answer: CheckedContinuation<Result<WriteReceipt, Fault>, Never>) in
      let pending = Pending(order: order, arrived: arrived, answer: answer)
      switch threads.submit(.write(pending)) {
      case .taken: pace.came(arrived, on: loop)
      case .full:
        metrics.refusedBusy.add()
        answer.resume(returning: .failure(.storeBusy(limit: "ordersWaitingMax")))
      case .ended: answer.resume(returning: .failure(.shuttingDown))
      }
    }
    return try result.get()
  }

  /// Orders that the writer has not taken yet.
  var waitingCount: Int { threads.waitingCount }

  /// An order that nobody waits for, and that is never refused for want of room.
  func writeUnheard(_ order: WriteOrder) {
    let pending = Pending(order: order, arrived: loop.nowNanoseconds, answer: nil)
    if threads.submit(.write(pending), isUrgent: true) == .taken {
      pace.came(pending.arrived, on: loop)
    }
  }

  // MARK: - Copies

  /// Begins a copy, or takes its next step; the last answer names the file. One at a time.
  func copyStep(to path: String, isFirst: Bool) async throws -> BackupProgress {
    try await withCheckedThrowingContinuation { answer in
      let errand = Work.errand { seat in
        answer.resume(
          with: Result {
            if isFirst { seat.copy = try seat.writer.beginCopy(to: path) }
            guard let progress = try seat.copy?.step() else { throw Fault.shuttingDown }
            if !progress.path.isEmpty { seat.copy = nil }
            return progress
          })
      }
      if threads.submit(errand, isUrgent: true) != .taken {
        answer.resume(throwing: Fault.shuttingDown)
      }
    }
  }

  /// Lets go of a copy that is not whole.
  func endCopy() {
    _ = threads.submit(.errand { $0.copy = nil }, isUrgent: true)
  }

  // MARK: - The end

  /// Writes what waits, puts the file in order and closes it.
  func close() async { await threads.end() }

  /// Throws when the writer's disk has failed: what it wrote is not known any more, so that only a
  /// new process, which reads the file again, may go on.
  func whileWhole() async throws { try await breakage.wait() }
}

extension CommitQueue.Work {
  fileprivate var order: CommitQueue.Pending? {
    guard case .write(let pending) = self else { return nil }
    return pending
  }
}

/// Says once that something is broken.
private final class Breakage: Sendable {
  private struct State {
    var fault: Fault?
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Lock(State())

  func happened(_ fault: Fault) {
    let waiter = state.withLock { state in
      state.fault = state.fault ?? fault
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Returns when the task is cancelled.
  func wait() async throws {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          guard state.fault == nil, !Task.isCancelled else { return true }
          state.waiter = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume()
    }
    if let fault = state.withLock({ $0.fault }) { throw fault }
  }
}

extension Fault {
  static func storeBusy(limit: String) -> Fault {
    Fault(
      .resourceExhausted, reason: "STORE_BUSY", "Too many calls wait for the database.",
      retryAfter: .milliseconds(50), facts: ["limit": limit])
  }
}

extension WallTime {
  /// Since 1970.
  var microseconds: Int64 { seconds * 1_000_000 + Int64(nanoseconds) / 1000 }
}
