import Faults
import GatewayBudgets
import GatewayValues
import LedgerFile

/// Everything that a ledger knows in memory; behind one lock.
struct LedgerState {
  /// An attempt from its reservation to the commit of its line.
  ///
  /// A class: it is changed where it is, and a call changes it several times.
  final class Live {
    var attempt: LiveAttempt
    var machine = AttemptStateMachine()
    let price: PriceTable.Entry
    /// The group of the journal of settlements that has its end; 0: none.
    var settlementGroup: Int64 = 0

    init(attempt: LiveAttempt, price: PriceTable.Entry) {
      self.attempt = attempt
      self.price = price
    }
  }

  struct LiveCall {
    let requestHash: [UInt8]
    var isOpen = true
    /// Attempts whose lines are not committed.
    var attempts = 0
  }

  /// A reservation for which a chunk has to be on the disk first.
  struct Waiter {
    typealias Answer = CheckedContinuation<Result<Reservation, Fault>, Never>

    let order: AttemptOrder
    let ticket: CallTicket
    /// The accounts that know that it waits.
    var accounts: [Int64] = []
    var amount: Int64 = 0
    let answer: Answer
  }

  enum Reservation {
    case held(AttemptID, NanoDollars)
    case refused(BudgetRefusal)
  }

  /// The accounts of a party, as long as nothing about them changes.
  struct Resolved {
    let keys: [AccountKey]
    /// Those that are open; all, or they are looked up again.
    var ids: [Int64]
    let until: Int64
  }

  let folder: String
  let boot: String
  let epoch: Int64
  var operation: Int64
  var counter: Int64 = 0
  var callCounter: Int64 = 0
  var recovered = LedgerRecovery.Report()
  var latest: Int64 = 0
  var budgets: BudgetTable
  var prices: PriceTable
  var escrow = Escrow()
  var opening: Set<AccountKey> = []
  var parties: [CallParty: Resolved] = [:]
  var live: [AttemptID: Live] = [:]
  var calls: [CallName: LiveCall] = [:]
  var waiting: [Waiter] = []
  var usedKeys = CallKeyFilter(keyCount: 0)
  var journal: JournalFile
  /// On their way to the writer.
  var queued: [LedgerOrder] = []
  /// Whether one of them may not lie until others have come.
  var isUrgent = false
  var isGathering = false
  /// Lines among what was queued, until they are committed.
  var linesUnderWay = 0
  var settlements: SettlementQueue
  /// The last word: a disk that failed, or the end.
  var fault: Fault?
  var isFull = false
  var nextProbe: Int64 = 0
  var stats = LedgerStats()

  init(
    folder: String, boot: String, report: LedgerRecovery.Report, budgets: BudgetTable,
    prices: PriceTable, journal: JournalFile, life: SettlementLife
  ) {
    settlements = SettlementQueue(life: life)
    self.folder = folder
    self.boot = boot
    self.budgets = budgets
    self.prices = prices
    self.journal = journal
    epoch = report.epoch
    operation = report.operation
  }

  /// A clock that is set back reorders nothing.
  mutating func moment(_ now: Int64) -> LedgerLine.Moment {
    latest = max(latest, now)
    operation += 1
    return LedgerLine.Moment(operation: operation, milliseconds: latest)
  }

  mutating func queue(_ work: LedgerWork, _ answer: LedgerOrder.Answer? = nil) {
    let order = LedgerOrder(work: work, answer: answer)
    if case .line = work { linesUnderWay += 1 }
    isUrgent = isUrgent || !order.canWait
    queued.append(order)
  }

  mutating func takeQueued() -> [LedgerOrder] {
    defer {
      queued = []
      isUrgent = false
    }
    return queued
  }

  /// What the escrow wants to be raised, on its way.
  mutating func queueRaises() {
    if escrow.raises.isEmpty { return }
    for raise in escrow.takeRaises() {
      stats.raises += 1
      // One that nobody waits for goes with the next group, rather than to be one alone.
      let isAwaited = escrow.isAwaited([raise.id])
      queued.append(LedgerOrder(work: .raise(raise), isAhead: !isAwaited))
      isUrgent = isUrgent || isAwaited
    }
  }

  // MARK: - Accounts

  /// The open accounts of a party, and whether those are all of them.
  mutating func accounts(
    of party: CallParty, wanting amount: Int64, at now: Int64
  ) throws(Fault) -> (ids: [Int64], isComplete: Bool) {
    if let known = parties[party], now < known.until, known.ids.count == known.keys.count {
      return (known.ids, true)
    }
    let (keys, until) = budgets.accounts(of: party, at: now)
    guard keys.count <= BudgetLimits.perCallMax else {
      throw Fault(
        .failedPrecondition, reason: "TOO_MANY_BUDGETS",
        "A call falls under \(keys.count) budgets; the most is "
          + "\(BudgetLimits.perCallMax).")
    }
    var ids: [Int64] = []
    for key in keys {
      if let id = escrow.id(of: key) {
        ids.append(id)
      } else if opening.insert(key).inserted, let budget = budgets[key.budget] {
        queue(.open(key, cap: budget.cap.count, wanted: amount))
      }
    }
    if ids.count == keys.count {
      if parties.count >= LedgerLimits.partiesKeptMax { parties.removeAll() }
      parties[party] = Resolved(keys: keys, ids: ids, until: until)
    }
    return (ids, ids.count == keys.count)
  }

  /// An account is there, or not any more: whoever remembers its number looks again.
  mutating func forgetParties() { parties.removeAll(keepingCapacity: true) }

  mutating func opened(_ account: EscrowAccount) {
    opening.remove(account.key)
    var account = account
    // Its cap may have changed while it was being opened.
    if let budget = budgets[account.key.budget] { account.cap = budget.cap.count }
    account.touched = latest
    escrow.open(account)
    forgetParties()
  }

  /// Hands back the chunks that nobody draws from.
  mutating func sweep(idleSince moment: Int64) {
    let idle = escrow.idle(before: moment, windowsEndedAt: latest)
    for id in idle {
      if let raise = escrow.close(id) { queue(.handBack(raise)) }
    }
    if !idle.isEmpty { forgetParties() }
  }

  func standing(of id: Int64) -> BudgetStanding? {
    guard let account = escrow.accounts[id] else { return nil }
    return BudgetStanding(
      budget: account.key.budget, subject: account.key.subject, cap: NanoDollars(account.cap),
      settled: NanoDollars(account.settled), held: NanoDollars(account.held),
      uncertain: NanoDollars(account.uncertain), window: account.key.window)
  }
}

/// What a ledger has seen since it was opened.
package struct LedgerStats: Hashable, Sendable {
  package var reserved: Int64 = 0
  package var refused: Int64 = 0
  /// Reservations that had to wait for a chunk.
  package var waited: Int64 = 0
  package var raises: Int64 = 0
  package var groups: Int64 = 0
  package var lines: Int64 = 0
  package var uncertain: Int64 = 0
  /// Settlements above their bound: defects of the bound.
  package var overBound: Int64 = 0
  package var notCredible: Int64 = 0
  /// Holds that were let go without a word.
  package var abandoned: Int64 = 0

  package init() {}
}
