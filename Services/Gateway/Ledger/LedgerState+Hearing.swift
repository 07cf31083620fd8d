import Faults
import GatewayBudgets
import GatewayValues
import LedgerFile

extension LedgerState {
  /// What became of a part of a group that is on the disk.
  mutating func hear(
    _ orders: ArraySlice<LedgerOrder>, _ receipts: ArraySlice<LedgerReceipt>, at now: Int64
  ) {
    latest = max(latest, now)
    for (order, receipt) in zip(orders, receipts) { hear(order.work, receipt) }
    queueRaises()
  }

  /// What the writer says of a group whose parts were heard: it is all on the disk, or none of
  /// it, and why.
  mutating func heard(_ outcome: LedgerWriter.Outcome, at now: Int64) -> Fault? {
    latest = max(latest, now)
    switch outcome {
    case .committed:
      stats.groups += 1
      if isFull { goOn() }
      return nil
    case .full(let failure):
      isFull = true
      nextProbe = latest + LedgerLimits.fullPauseMilliseconds
      return failure
    case .broken(let failure):
      fault = fault ?? failure
      return failure
    }
  }

  private mutating func hear(_ work: LedgerWork, _ receipt: LedgerReceipt) {
    switch (work, receipt) {
    case (.line, .line(let line)): committed(line)
    case (.open, .account(let account)): opened(account)
    case (.raise, .raised(let raise)): escrow.raised(raise)
    case (.correct, .line(let line)):
      escrow.corrected(from: line.bound.count, to: line.cost.count, in: line.accounts)
    default: break
    }
  }

  /// There is space again: the journal, if it broke, begins anew, and calls are admitted.
  private mutating func goOn() {
    if journal.isBroken {
      guard (try? beginJournal()) != nil else { return }
    }
    isFull = false
  }

  /// Looks whether a full disk has space again; what did not fit goes first.
  mutating func probe(at now: Int64) {
    guard isFull, now >= nextProbe, fault == nil else { return }
    nextProbe = now + LedgerLimits.fullPauseMilliseconds
    queue(.barrier)
  }

  /// Ends an attempt that nobody has any more.
  mutating func giveUp(_ id: AttemptID, at now: Int64) {
    guard let known = live[id], !known.machine.state.isEnd else { return }
    let isSent = known.machine.state == .sent
    let settlement = isSent ? Settlement(.bound, .lost) : nil
    guard let ended = try? end(id, settlement, at: now) else { return }
    stats.abandoned += 1
    queue(.line(ended.attempt))
  }
}

extension LedgerWriter.Outcome {
  /// What the one who gave the order at a place of the group is told.
  func result(at place: Int, _ failure: Fault?) -> Result<LedgerReceipt, Fault> {
    guard case .committed(let receipts) = self else { return .failure(failure ?? .ledgerClosed) }
    return .success(receipts[place])
  }
}
