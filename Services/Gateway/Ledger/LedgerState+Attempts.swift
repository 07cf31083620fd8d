import Faults
import GatewayBudgets
import GatewayValues
import LedgerFile
import Machine

extension LedgerState {
  // MARK: - Reserving

  enum Attempted {
    case reserved(Reservation)
    case mustWait
  }

  mutating func checkIsOpen() throws(Fault) {
    if let fault { throw fault }
    if isFull { throw .ledgerFull(folder) }
  }

  /// Draws from every budget that the order falls under, or says which refuses, or that it has
  /// to wait. `isNew`: nobody who came before may be overtaken.
  mutating func reserve(
    _ order: AttemptOrder, _ ticket: CallTicket, at time: Int64, isNew: Bool
  ) throws(Fault) -> Attempted {
    try checkIsOpen()
    latest = max(latest, time)
    guard live.count < LedgerLimits.liveAttemptsMax else { throw .ledgerBusy("liveAttemptsMax") }
    let (price, bound) = try self.price(of: order)
    let (ids, isComplete) = try accounts(of: order.party, wanting: bound.count, at: latest)
    guard isComplete, !(isNew && escrow.isAwaited(ids)) else { return .mustWait }
    switch escrow.draw(bound.count, from: ids, at: latest) {
    case .wait: return .mustWait
    case .refused(let id):
      stats.refused += 1
      guard let standing = standing(of: id) else { throw .ledgerClosed }
      return .reserved(.refused(BudgetRefusal(standing: standing, asked: bound)))
    case .drawn:
      queueRaises()
      return .reserved(.held(hold(order, ticket, price, bound, ids), bound))
    }
  }

  func price(
    of order: AttemptOrder
  ) throws(Fault) -> (PriceTable.Entry, NanoDollars) {
    let model = order.party.model
    guard let price = prices.entry(for: model.text, atMilliseconds: latest) else {
      throw Fault(
        .failedPrecondition, reason: "MODEL_UNPRICED", "Nobody has said what \(model) costs.",
        hint: "Set its price; what has none is not called.", facts: ["model": model.text])
    }
    guard order.bound.inputTokensMax >= 0, order.bound.outputTokensMax >= 0,
      order.bound.webSearchesMax >= 0,
      let bound = price.price.bound(order.bound, isBatched: order.isBatched)
    else {
      throw Fault(
        .invalidArgument, reason: "BOUND_NOT_CREDIBLE",
        "Nobody can say what the call may cost at most.", facts: ["model": model.text])
    }
    return (price, bound)
  }

  private mutating func hold(
    _ order: AttemptOrder, _ ticket: CallTicket, _ price: PriceTable.Entry, _ bound: NanoDollars,
    _ ids: [Int64]
  ) -> AttemptID {
    counter += 1
    let id = AttemptID(epoch: epoch, counter: counter)
    var line = LedgerLine(attempt: id, order: order)
    line.callKey = ticket.name.key.text
    line.bound = bound
    line.accounts = ids
    line.priceVersion = price.version
    line.reserved = moment(latest)
    live[id] = Live(
      attempt: LiveAttempt(line: line, requestHash: ticket.requestHash), price: price)
    calls[ticket.name]?.attempts += 1
    stats.reserved += 1
    return id
  }

  // MARK: - Waiting

  mutating func wait(_ waiter: Waiter) {
    stats.waited += 1
    var waiter = waiter
    register(&waiter)
    waiting.append(waiter)
  }

  private mutating func register(_ waiter: inout Waiter) {
    guard let (_, bound) = try? price(of: waiter.order),
      let (ids, _) = try? accounts(of: waiter.order.party, wanting: bound.count, at: latest)
    else { return }
    waiter.accounts = ids
    waiter.amount = bound.count
    escrow.waits(for: waiter.amount, in: ids)
    isUrgent = true
    queueRaises()
  }

  /// Those who wait, in the order in which they came; the answers that are ready.
  mutating func retry(
    at now: Int64
  ) -> [(Waiter.Answer, Result<Reservation, Fault>)] {
    if waiting.isEmpty { return [] }
    var answers: [(Waiter.Answer, Result<Reservation, Fault>)] = []
    var blocked: Set<Int64> = []
    let before = waiting
    waiting = []
    for var waiter in before {
      escrow.waitsNoMore(for: waiter.amount, in: waiter.accounts)
      var outcome: Result<Reservation, Fault>?
      if blocked.isDisjoint(with: waiter.accounts) {
        do {
          let attempted = try reserve(waiter.order, waiter.ticket, at: now, isNew: false)
          if case .reserved(let reservation) = attempted { outcome = .success(reservation) }
        } catch {
          outcome = .failure(error)
        }
      }
      if let outcome {
        answers.append((waiter.answer, outcome))
      } else {
        register(&waiter)
        blocked.formUnion(waiter.accounts)
        waiting.append(waiter)
      }
    }
    return answers
  }

  // MARK: - Sending and ending

  /// It may be paid for from now on: this survives the process before anything is sent.
  mutating func send(_ id: AttemptID, at now: Int64) throws(Fault) {
    try checkIsOpen()
    guard let known = live[id] else { throw Self.unknown(id) }
    switch known.machine.take(.send) {
    case .already: return
    case .refused: throw Self.wrongStep(id, "sent", known.machine.state)
    case .to: break
    }
    known.attempt.line.sent = moment(now)
    known.attempt.line.state = .sent
    journal.add(sent: known.attempt)
    do throws(Fault) {
      try flushJournal()
    } catch {
      // Nothing may be sent, and nothing was.
      known.machine = AttemptStateMachine()
      known.attempt.line.sent = LedgerLine.Moment()
      known.attempt.line.state = .reserved
      throw error
    }
  }

  private mutating func flushJournal() throws(Fault) {
    do {
      try journal.flush()
      if journal.byteCount > LedgerLimits.journalBytesMax { try beginJournal() }
    } catch {
      throw journalFailed(error)
    }
  }

  private mutating func journalFailed(_ error: MachineError) -> Fault {
    let failure = Fault.ledgerDisk(error, folder)
    if failure.reason == "LEDGER_FULL" || error.errno == 0 {
      isFull = true
      nextProbe = latest + LedgerLimits.fullPauseMilliseconds
    } else {
      fault = failure
    }
    return failure
  }

  /// The next journal, with all that is under way; the one before says nothing more.
  mutating func beginJournal() throws(MachineError) {
    let next = try JournalFile(
      in: folder, number: journal.number + 1, epoch: epoch, boot: boot,
      carrying: live.values.lazy.map(\.attempt).filter { $0.line.sent.operation > 0 })
    JournalFile.remove(folder, journal.number)
    journal = next
  }

  /// Replaces the hold by what the attempt came to. nil when it has ended so before.
  ///
  /// A journal that fails is no reason to forget what was spent: the line goes to the writer
  /// all the same, and whoever asks has to wait for it.
  mutating func end(
    _ id: AttemptID, _ settlement: Settlement?, at now: Int64
  ) throws(Fault) -> (attempt: LiveAttempt, isJournaled: Bool)? {
    guard let known = live[id] else { throw Self.unknown(id) }
    let result = settlement.map { Ending($0, known) }
    let event = result?.event ?? .void
    switch known.machine.take(event) {
    case .already: return nil
    case .refused: throw Self.wrongStep(id, "ended", known.machine.state)
    case .to(let state): known.attempt.line.state = state
    }
    let wasSent = known.attempt.line.sent.operation > 0
    result?.apply(to: &known.attempt)
    if result == nil { known.attempt.line.outcome = wasSent ? .failed : .notSent }
    known.attempt.line.ended = moment(now)
    leave(known.attempt.line)
    guard wasSent else { return (known.attempt, true) }
    journal.add(ended: known.attempt)
    var isJournaled = true
    do throws(Fault) { try flushJournal() } catch { isJournaled = false }
    return (known.attempt, isJournaled)
  }

  /// Its hold becomes what it cost.
  private mutating func leave(_ line: LedgerLine) {
    escrow.end(
      hold: line.bound.count, cost: line.cost.count, isUncertain: line.state == .uncertain,
      in: line.accounts)
    for account in line.accounts { escrow.raiseIfDue(account) }
    queueRaises()
    count(line)
  }

  private mutating func count(_ line: LedgerLine) {
    if line.state == .uncertain { stats.uncertain += 1 }
    if line.flags.contains(.overBound) { stats.overBound += 1 }
    if line.flags.contains(.notCredible) { stats.notCredible += 1 }
  }

  /// Its line is on the disk.
  mutating func committed(_ line: LedgerLine) {
    stats.lines += 1
    linesUnderWay -= 1
    guard let known = live.removeValue(forKey: line.attempt) else { return }
    if known.settlementGroup > 0 { settlements.ring?.release(known.settlementGroup) }
    escrow.committed(excess: line.excess, in: line.accounts)
    for account in line.accounts { escrow.raiseIfDue(account) }
    guard let name = known.attempt.callName else { return }
    calls[name]?.attempts -= 1
    forgetIfOver(name)
  }

  mutating func forgetIfOver(_ name: CallName) {
    if let call = calls[name], !call.isOpen, call.attempts == 0 { calls[name] = nil }
  }

  static func unknown(_ id: AttemptID) -> Fault {
    Fault(
      .notFound, reason: "ATTEMPT_UNKNOWN", "There is no attempt \(id) under way.",
      facts: ["attempt": id.description])
  }

  private static func wrongStep(
    _ id: AttemptID, _ step: String, _ state: AttemptState
  ) -> Fault {
    Fault(
      .failedPrecondition, reason: "ATTEMPT_STATE",
      "The attempt \(id) cannot be \(step) any more.",
      facts: ["attempt": id.description, "state": "\(state)"])
  }
}

/// What a settlement comes to, by the price that its attempt was reserved at.
private struct Ending {
  let event: AttemptStateMachine.Event
  private let settlement: Settlement
  private var usage = TokenUsage()
  private var cost: NanoDollars
  private var standing = UsageStanding.uncertain
  private var flags: LineFlags = []

  init(_ settlement: Settlement, _ known: LedgerState.Live) {
    self.settlement = settlement
    cost = known.attempt.line.bound
    let said: (usage: TokenUsage, standing: UsageStanding)? =
      switch settlement.amount {
      case .used(let usage): (usage, .exact)
      case .estimated(let usage): (usage, .estimated)
      case .bound: nil
      }
    guard let said else {
      event = .settleAtBound
      return
    }
    let isBatched = known.attempt.line.order.isBatched
    guard let price = known.price.price.cost(of: said.usage, isBatched: isBatched) else {
      event = .settleAtBound
      flags = .notCredible
      return
    }
    event = .settle
    (usage, standing, cost) = (said.usage, said.standing, price)
    if price > known.attempt.line.bound { flags = .overBound }
  }

  func apply(to attempt: inout LiveAttempt) {
    attempt.line.usage = usage
    attempt.line.cost = cost
    attempt.line.standing = standing
    attempt.line.outcome = settlement.outcome
    attempt.line.flags = flags
    attempt.line.answeredModel = LedgerState.kept(settlement.answeredModel)
    attempt.line.providerRequestID = LedgerState.kept(settlement.providerRequestID)
    attempt.endsCall = settlement.endsCall
    guard settlement.endsCall else { return }
    if settlement.reply.count <= LedgerLimits.replyBytesMax {
      attempt.reply = settlement.reply
    } else {
      attempt.line.flags.insert(.replyNotKept)
    }
  }

}

extension LedgerState {
  /// What of a provider's text is kept: printable ASCII, and not too much of it.
  static func kept(_ text: String) -> String {
    let utf8 = text.utf8
    if utf8.count <= LedgerLimits.foreignTextBytesMax,
      utf8.allSatisfy({ (0x20...0x7e).contains($0) })
    {
      return text
    }
    let bytes = utf8.prefix(LedgerLimits.foreignTextBytesMax)
      .map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: bytes, as: UTF8.self)
  }
}
