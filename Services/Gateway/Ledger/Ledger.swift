// GatewayLedger: the money of the gateway: what every attempt of every call may cost, is held for,
// and did cost, under budgets whose caps hold at every instant, through crashes and power cuts.
// It asks no provider, decides no retry, never frees what may have been spent, and never waits
// for a disk to admit a call whose money is in an open chunk. Limits: `LedgerLimits`,
// `BudgetLimits`.

package import EventLoop
package import Faults
import GatewayBudgets
import GatewayValues
package import LedgerFile
import Locking
import Machine
import SQLite
import Telemetry

/// Where a ledger is, and what it promises.
package struct LedgerOptions: Sendable {
  package var folder: String
  package var durability = LedgerDurability.power
  /// Milliseconds since 1970.
  package var clock: @Sendable () -> Int64 = {
    let now = WallTime.now()
    return now.seconds * 1_000 + Int64(now.nanoseconds) / 1_000_000
  }
  /// What names this start of the machine: pages that were written before another are gone.
  package var boot: String
  /// Pages that the database may have; 0: as many as the disk.
  package var pagesMax = 0
  /// How long the process before may take to let go of the folder.
  package var lockPatience = Duration.seconds(5)

  package init(folder: String) {
    self.folder = folder
    boot = (try? Files.readText("/proc/sys/kernel/random/boot_id"))?.trimmed ?? ""
  }
}

/// The money of the gateway: one open folder, its memory, its writer and its readers.
///
/// Calls go: `begin` → `reserve` → `sent` → `settle` or `void`. Any task of any thread may call;
/// nothing here blocks but a page that the journal has not touched yet.
package final class Ledger: Sendable {
  let state: Lock<LedgerState>
  let options: LedgerOptions
  let loop: EventLoop
  let pace = LedgerPace()
  /// Until the ledger is closed.
  private let lock: Lock<LedgerLock?>
  private let writers: OwnerThreads<WriterItem>
  private let readers: OwnerThreads<@Sendable (LedgerReader) -> Void>
  /// Whom settlements that must survive a power cut are given to; nil when each waits for its
  /// commit.
  let settlements: SettlementWriter?
  /// Why there is no journal of settlements where there should be one: answers wait longer then.
  package let journalAbsence: String?

  private static let tick = Duration.seconds(1)
  private static let restAfter = Duration.seconds(2)

  private init(
    _ opened: sending LedgerState, _ options: LedgerOptions, _ loop: EventLoop,
    _ lock: LedgerLock, _ writers: OwnerThreads<WriterItem>,
    _ readers: OwnerThreads<@Sendable (LedgerReader) -> Void>,
    _ settlements: (writer: SettlementWriter?, absence: String?)
  ) {
    state = Lock(opened)
    self.options = options
    self.loop = loop
    self.lock = Lock(lock)
    self.writers = writers
    self.readers = readers
    self.settlements = settlements.writer
    journalAbsence = settlements.absence
  }

  // MARK: - Opening

  private struct Found: Sendable {
    var report: LedgerRecovery.Report
    var budgets: [Budget] = []
    var prices = PriceTable()
    var usedKeys = CallKeyFilter(keyCount: 0)
    let life: SettlementLife
    var journalAbsence: String?
  }

  /// Whom the writer tells; set before it is given anything.
  private final class Ear: Sendable {
    let ledger = Lock<WeakLedger>(WeakLedger())
    let found = Lock<Found?>(nil)

    /// On the loop, where calls are made: there nobody waits for the lock, and whoever waits for
    /// the disk goes on without another way between threads.
    func hear(_ orders: [LedgerOrder], _ outcome: LedgerWriter.Outcome) {
      guard let ledger = ledger.withLock({ $0.ledger }) else { return }
      let isTaken = ledger.loop.executeUnlessEnded { ledger.heard(orders, outcome) }
      if !isTaken { ledger.heard(orders, outcome) }
    }
  }

  private struct WeakLedger: Sendable {
    weak var ledger: Ledger?
  }

  /// Takes the folder, settles what the last process left, and begins.
  package static func open(_ options: LedgerOptions, on loop: EventLoop) async throws -> Ledger {
    var folder = try LedgerFolder(taking: options.folder)
    folder.pagesMax = options.pagesMax
    let lock = try await folder.lock(on: loop, patience: options.lockPatience)
    let writers = OwnerThreads<WriterItem>(
      name: "ledger-writer", waitingMax: .max, groupMax: LedgerLimits.groupMax)
    let readers = OwnerThreads<@Sendable (LedgerReader) -> Void>(
      name: "ledger-reader", waitingMax: LedgerLimits.questionsWaitingMax)
    let ear = Ear()
    let (place, now) = (folder, options.clock())
    try await writers.start(
      open: {
        let (seat, found) = try Self.openWriter(place, options, now)
        ear.found.withLock { $0 = found }
        return seat
      },
      take: { seat, items in Self.take(items, seat, ear) },
      lingerMax: options.durability == .power ? LedgerPace.lingerMax : nil,
      stepsBack: true, restAfter: Self.restAfter,
      rest: { seat in
        seat.writer.dropReplies(at: options.clock())
        seat.writer.rest()
      },
      close: { seat in
        seat.writer.dropReplies(at: options.clock())
        // With something left to write it did not end well, and its journal is needed.
        if seat.backlog.isEmpty { seat.writer.close(at: options.clock()) }
      })
    do {
      try await readers.start(
        open: { LedgerReader(try place.openReading(), path: place.path) },
        take: { reader, questions in for question in questions { question(reader) } })
      guard let found = ear.found.withLock({ $0 }) else { throw Fault.ledgerClosed }
      var state = try Self.begin(found, options)
      let settlements = await Self.openSettlements(
        options, absence: found.journalAbsence, on: loop)
      if settlements.writer != nil {
        state.settlements.ring = SettlementRing(byteCount: LedgerLimits.settlementsBytes)
      }
      let ledger = Ledger(state, options, loop, lock, writers, readers, settlements)
      await settlements.writer?.belongs(to: ledger)
      ear.ledger.withLock { $0.ledger = ledger }
      loop.execute { ledger.scheduleTick() }
      return ledger
    } catch {
      await writers.end()
      throw error
    }
  }

  private static func openWriter(
    _ folder: LedgerFolder, _ options: LedgerOptions, _ now: Int64
  ) throws -> (WriterSeat, Found) {
    let connection = try folder.openWriting()
    var recovery = LedgerRecovery(folder: folder.path, boot: options.boot, now: now)
    let writer = try recovery.run(connection)
    var found: Found
    do {
      found = Found(
        report: recovery.report, budgets: try StoredBudgets.current(on: connection),
        prices: try StoredBudgets.prices(on: connection),
        usedKeys: try writer.usedKeys(), life: recovery.life)
    } catch {
      throw error.ledgerFault(folder.path)
    }
    if options.durability == .power {
      do throws(MachineError) {
        try DirectFile.prepare(
          SettlementGroup.path(folder.path), byteCount: LedgerLimits.settlementsBytes)
      } catch {
        found.journalAbsence = error.description
      }
    }
    return (WriterSeat(writer), found)
  }

  private static func begin(
    _ found: Found, _ options: LedgerOptions
  ) throws -> sending LedgerState {
    var budgets = BudgetTable()
    for budget in found.budgets { try budgets.set(budget) }
    let journal: JournalFile
    do {
      journal = try JournalFile(
        in: options.folder, number: 1, epoch: found.report.epoch, boot: options.boot,
        carrying: [])
    } catch {
      throw Fault.ledgerDisk(error, options.folder)
    }
    var state = LedgerState(
      folder: options.folder, boot: options.boot, report: found.report, budgets: budgets,
      prices: found.prices, journal: journal, life: found.life)
    state.recovered = found.report
    state.usedKeys = found.usedKeys
    return state
  }

  // MARK: - To the writer and back

  /// Changes what is known, and hands on what follows from it, in the same order.
  func change<R, E: Error>(
    _ body: (inout LedgerState) throws(E) -> sending R
  ) throws(E) -> sending R {
    try state.withLock { state throws(E) in
      defer { handOn(&state) }
      return try body(&state)
    }
  }

  private func handOn(_ state: inout LedgerState) {
    guard !state.queued.isEmpty else { return }
    let canWait =
      state.queued.count < LedgerLimits.linesGatheredMax && !state.isUrgent
      && state.fault == nil
    if canWait { return gather(&state) }
    let orders = state.takeQueued()
    if writers.submit(.orders(orders), isUrgent: true) != .taken {
      for order in orders { order.answer?.resume(returning: .failure(.ledgerClosed)) }
    }
  }

  private func gather(_ state: inout LedgerState) {
    if state.isGathering { return }
    state.isGathering = true
    loop.execute { [weak self] in
      guard let loop = self?.loop else { return }
      loop.schedule(after: .milliseconds(LedgerLimits.gatheringMilliseconds)) {
        self?.submitGathered()
      }
    }
  }

  private func submitGathered() {
    state.withLock { state in
      state.isGathering = false
      if !state.queued.isEmpty { _ = writers.submit(.orders(state.takeQueued()), isUrgent: true) }
    }
  }

  private static func take(_ items: [WriterItem], _ seat: WriterSeat, _ ear: Ear) {
    var orders: [LedgerOrder] = []
    for item in items {
      switch item {
      case .orders(let more): orders += more
      case .errand(let errand): errand(seat.writer)
      }
    }
    if !orders.isEmpty { write(orders, seat, ear) }
  }

  /// Does something with the writer on its thread.
  func onWriter(_ body: @escaping @Sendable (LedgerWriter) throws -> Void) async throws {
    try await withCheckedThrowingContinuation {
      (done: CheckedContinuation<Void, any Error>) in
      let errand = WriterItem.errand { writer in
        done.resume(with: Result { try body(writer) })
      }
      if writers.submit(errand, isUrgent: true) != .taken {
        done.resume(throwing: Fault.ledgerClosed)
      }
    }
  }

  private static func write(_ orders: [LedgerOrder], _ seat: WriterSeat, _ ear: Ear) {
    let group = seat.backlog + orders
    seat.backlog = []
    let outcome = seat.writer.write(group.map(\.work))
    if case .full = outcome { seat.backlog = group.compactMap(\.keptWhenFull) }
    ear.hear(group, outcome)
    seat.writer.tidy()
    seat.groups += 1
  }

  private func heard(_ orders: [LedgerOrder], _ outcome: LedgerWriter.Outcome) {
    let now = options.clock()
    if case .committed(let receipts) = outcome {
      // A part at a time: a call that is made meanwhile waits for one of them, and not for all.
      for start in stride(from: 0, to: orders.count, by: LedgerLimits.heardAtOnceMax) {
        let part = start..<min(orders.count, start + LedgerLimits.heardAtOnceMax)
        change { state in state.hear(orders[part], receipts[part], at: now) }
      }
    }
    pace.answered(on: loop)
    let (failure, waited) = change { state in
      (state.heard(outcome, at: now), state.retry(at: now))
    }
    for (place, order) in orders.enumerated() where order.answer != nil {
      order.answer?.resume(returning: outcome.result(at: place, failure))
    }
    for (answer, result) in waited { answer.resume(returning: result) }
  }

  /// Returns when the work is on the disk, or refused.
  func perform(_ work: LedgerWork) async throws(Fault) -> LedgerReceipt {
    let result = await withCheckedContinuation { (answer: LedgerOrder.Answer) in
      change { state in
        if let fault = state.fault {
          answer.resume(returning: .failure(fault))
        } else {
          state.queue(work, answer)
        }
      }
    }
    let receipt = try result.get()
    if case .refused(let fault) = receipt { throw fault }
    return receipt
  }

  /// Asks on a reader's thread.
  func ask<R: Sendable>(
    _ body: @escaping @Sendable (LedgerReader) throws(Fault) -> R
  ) async throws(Fault) -> R {
    let result = await withCheckedContinuation {
      (answer: CheckedContinuation<Result<R, Fault>, Never>) in
      let submission = readers.submit { reader in
        answer.resume(returning: Result { () throws(Fault) in try body(reader) })
      }
      switch submission {
      case .taken: break
      case .full: answer.resume(returning: .failure(.ledgerBusy("questionsWaitingMax")))
      case .ended: answer.resume(returning: .failure(.ledgerClosed))
      }
    }
    return try result.get()
  }

  // MARK: - Time

  private func scheduleTick() {
    loop.schedule(after: Self.tick) { [weak self] in
      guard let self else { return }
      tick()
      if state.withLock({ $0.fault == nil }) { scheduleTick() }
    }
  }

  /// Hands back what lies idle, and tries a full disk again.
  func tick() {
    let now = options.clock()
    change { state in
      state.latest = max(state.latest, now)
      state.sweep(idleSince: state.latest - LedgerLimits.idleMilliseconds)
      state.probe(at: now)
    }
  }

  // MARK: - The end

  /// Settles at the bound what was sent and has no end, hands every chunk back, closes the file.
  package func close() async {
    let waiting = change { state -> [LedgerState.Waiter] in
      for id in state.live.keys { state.giveUp(id, at: options.clock()) }
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.answer.resume(returning: .failure(.ledgerClosed)) }
    _ = try? await perform(.barrier)
    await settlements?.close()
    change { state in
      state.sweep(idleSince: .max)
      state.fault = state.fault ?? .ledgerClosed
    }
    await writers.end()
    await readers.end()
    lock.withLock { $0 = nil }
  }

  /// Why nothing goes on any more, until the folder is opened again.
  package var fault: Fault? { state.withLock { $0.fault } }
  package var stats: LedgerStats { state.withLock { $0.stats } }
}
