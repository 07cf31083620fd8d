package import Faults
import GatewayBudgets
package import GatewayValues
package import LedgerFile
import Locking

extension Ledger {
  private static let ownKeyMark = "~"
  private static let beginTriesMax = 8

  // MARK: - Calls

  /// Begins a call under its key, or says that it was made before, or is being made.
  ///
  /// A call without a key gets one. The key of another request is refused.
  package func begin(
    _ product: GatewayName, key: CallKey?, requestHash: [UInt8]
  ) async throws(Fault) -> CallOpening {
    guard let key else { return .opened(try beginUnnamed(product, requestHash)) }
    guard !key.text.hasPrefix(Self.ownKeyMark) else {
      throw Fault(
        .invalidArgument, reason: "CALL_KEY_INVALID", "A call key cannot begin with ~.")
    }
    let name = CallName(product: product, key: key)
    for _ in 0..<Self.beginTriesMax {
      let claim = try change { state throws(Fault) in try state.claim(name, requestHash) }
      switch claim {
      case .inFlight: return .inFlight
      // Its answer is about to be on the disk; then it is read from there.
      case .settling: _ = try await perform(.barrier)
      case .claimed: return try await opening(name, requestHash)
      case .isNew:
        return .opened(CallTicket(name: name, requestHash: requestHash, ledger: self))
      }
    }
    return .inFlight
  }

  private func opening(
    _ name: CallName, _ requestHash: [UInt8]
  ) async throws(Fault) -> CallOpening {
    let ticket = CallTicket(name: name, requestHash: requestHash, ledger: self)
    guard let known = try await ask({ reader throws(Fault) in try reader.call(name) }) else {
      return .opened(ticket)
    }
    guard known.requestHash == requestHash else { throw LedgerState.keyReused(name) }
    return known.settled.map { .settled($0) } ?? .opened(ticket)
  }

  private func beginUnnamed(
    _ product: GatewayName, _ requestHash: [UInt8]
  ) throws(Fault) -> CallTicket {
    let name = try change { state throws(Fault) in
      try state.checkIsOpen()
      state.callCounter += 1
      let text = Self.ownKeyMark + String(state.epoch) + "-" + String(state.callCounter)
      guard let key = CallKey(text) else {
        throw .ledgerClosed
      }
      let name = CallName(product: product, key: key)
      state.calls[name] = LedgerState.LiveCall(requestHash: requestHash)
      return name
    }
    return CallTicket(name: name, requestHash: requestHash, ledger: self)
  }

  func leave(_ name: CallName) {
    change { state in
      state.calls[name]?.isOpen = false
      state.forgetIfOver(name)
    }
  }

  // MARK: - Attempts

  /// Holds the most that an attempt may cost in every budget it falls under, or in none.
  ///
  /// Waits for the disk only when a budget's open chunk is too small for it.
  package func reserve(
    _ order: AttemptOrder, for ticket: CallTicket
  ) async throws(Fault) -> Admission {
    let now = options.clock()
    let attempted = try change { state throws(Fault) in
      state.probe(at: now)
      return try state.reserve(order, ticket, at: now, isNew: true)
    }
    if case .reserved(let reservation) = attempted { return admission(reservation) }
    let result = await withCheckedContinuation { (answer: LedgerState.Waiter.Answer) in
      let refusal = change { state -> Result<LedgerState.Reservation, Fault>? in
        if let fault = state.fault { return .failure(fault) }
        guard state.waiting.count < LedgerLimits.waitingMax else {
          return .failure(.ledgerBusy("waitingMax"))
        }
        state.wait(LedgerState.Waiter(order: order, ticket: ticket, answer: answer))
        return nil
      }
      if let refusal { answer.resume(returning: refusal) }
      retryWaiting()
    }
    return admission(try result.get())
  }

  private func admission(_ reservation: LedgerState.Reservation) -> Admission {
    switch reservation {
    case .refused(let refusal): .refused(refusal)
    case .held(let id, let bound): .held(AttemptHold(id: id, bound: bound, ledger: self))
    }
  }

  /// What has become possible since somebody began to wait.
  func retryWaiting() {
    let now = options.clock()
    let answers = change { $0.retry(at: now) }
    for (answer, result) in answers { answer.resume(returning: result) }
  }

  /// The attempt is about to be sent: from here on it may cost money. Survives this process when
  /// it returns; only then may anything be sent.
  package func sent(_ hold: AttemptHold) throws(Fault) {
    let now = options.clock()
    try change { state throws(Fault) in try state.send(hold.id, at: now) }
  }

  /// Replaces the hold by what the attempt came to. Returns when that is as durable as was asked;
  /// again for the same attempt, with the same line. Its number is 0 as long as the line is not
  /// committed: what is durable before that has a place in a journal only.
  ///
  /// When the disk is full it throws `LEDGER_FULL`: what was spent is kept and written as soon as
  /// there is space.
  /// `meanwhile` is done once, whatever comes of it, while the disk is at work.
  @discardableResult
  package func settle(
    _ hold: AttemptHold, _ settlement: Settlement, meanwhile: () -> Void = {}
  ) async throws(Fault) -> LedgerLine {
    try await end(hold.id, settlement, meanwhile)
  }

  /// Nothing was or will be paid: the hold is free again.
  @discardableResult
  package func void(
    _ hold: AttemptHold, meanwhile: () -> Void = {}
  ) async throws(Fault) -> LedgerLine {
    try await end(hold.id, nil, meanwhile)
  }

  private func end(
    _ id: AttemptID, _ settlement: Settlement?, _ meanwhile: () -> Void
  ) async throws(Fault) -> LedgerLine {
    let now = options.clock()
    if options.durability == .process {
      defer { meanwhile() }
      return try await endJournaled(id, settlement, at: now)
    }
    let result = await withCheckedContinuation { (answer: LedgerOrder.Answer) in
      let settling = change { state in
        Result { () throws(Fault) in try state.settle(id, settlement, at: now, answer) }
      }
      switch settling {
      case .failure(let fault): answer.resume(returning: .failure(fault))
      case .success(.over): answer.resume(returning: .success(.done))
      case .success(.commit(let isAlone)): pace.waits(isAlone: isAlone, on: loop)
      case .success(.journal(let isAlone)):
        pace.waits(isAlone: isAlone, on: loop)
        settlements?.wake(isAlone: isAlone)
      }
      retryWaitingIfAny()
      meanwhile()
    }
    if case .line(let line) = try result.get() { return line }
    return try await line(ofEnded: id)
  }

  /// Waits for no disk, unless the writer falls so far behind that soon nobody could be let in.
  private func endJournaled(
    _ id: AttemptID, _ settlement: Settlement?, at now: Int64
  ) async throws(Fault) -> LedgerLine {
    let ended = try change { state throws(Fault) -> (line: LedgerLine, mustWait: Bool)? in
      guard state.live[id] != nil else { return nil }
      guard let ended = try state.end(id, settlement, at: now) else { return nil }
      state.queue(.line(ended.attempt))
      let isCrowded = state.live.count > LedgerLimits.liveAttemptsMax / 2
      return (ended.attempt.line, isCrowded || !ended.isJournaled)
    }
    guard let ended else { return try await line(ofEnded: id) }
    retryWaitingIfAny()
    if ended.mustWait { _ = try await perform(.barrier) }
    return ended.line
  }

  private func retryWaitingIfAny() {
    if state.withLock({ !$0.waiting.isEmpty }) { retryWaiting() }
  }

  /// The line of an attempt that ended before.
  private func line(ofEnded id: AttemptID) async throws(Fault) -> LedgerLine {
    if state.withLock({ $0.live[id] != nil }) { _ = try await perform(.barrier) }
    guard let line = try await ask({ reader throws(Fault) in try reader.line(of: id) }) else {
      throw LedgerState.unknown(id)
    }
    return line
  }

  /// Nobody has the hold any more.
  func abandon(_ id: AttemptID) {
    let now = options.clock()
    change { $0.giveUp(id, at: now) }
  }
}

extension LedgerState {
  enum Claim {
    /// It may have been used before: the file knows.
    case claimed
    /// Nobody has ever used it.
    case isNew
    case inFlight
    case settling
  }

  /// Takes a call's key for one caller.
  mutating func claim(_ name: CallName, _ requestHash: [UInt8]) throws(Fault) -> Claim {
    try checkIsOpen()
    guard let known = calls[name] else {
      calls[name] = LiveCall(requestHash: requestHash)
      if usedKeys.mayContain(name) { return .claimed }
      usedKeys.insert(name)
      return .isNew
    }
    guard known.requestHash == requestHash else { throw Self.keyReused(name) }
    return known.isOpen ? .inFlight : .settling
  }

  static func keyReused(_ name: CallName) -> Fault {
    Fault(
      .failedPrecondition, reason: "CALL_KEY_REUSED",
      "The call key \(name.key) was used for another request.",
      hint: "Give each request a key of its own.", facts: ["call_key": name.key.text])
  }
}
