package import GatewayValues

/// The accounts that are open, and the arithmetic of drawing from several at once: all or
/// nothing. Pure: it writes nothing and reads no clock.
package struct Escrow: Sendable {
  package enum Draw: Equatable, Sendable {
    case drawn
    /// This account has not so much left.
    case refused(Int64)
    /// Some account's next chunk has to be on the disk first.
    case wait
  }

  /// A ceiling that the disk has to know before it holds.
  package struct Raise: Equatable, Sendable {
    package let id: Int64
    package let ceiling: Int64

    package init(id: Int64, ceiling: Int64) {
      self.id = id
      self.ceiling = ceiling
    }
  }

  package init() {}

  package private(set) var accounts: [Int64: EscrowAccount] = [:]
  private var ids: [AccountKey: Int64] = [:]
  package private(set) var raises: [Raise] = []

  package func id(of key: AccountKey) -> Int64? { ids[key] }

  package mutating func open(_ account: EscrowAccount) {
    accounts[account.id] = account
    ids[account.key] = account.id
  }

  /// Draws `amount` from each account, or from none.
  package mutating func draw(_ amount: Int64, from ids: [Int64], at now: Int64) -> Draw {
    var mustWait = false
    for id in ids {
      switch accounts[id]?.answer(to: amount) {
      case .fits: continue
      case .refused: return .refused(id)
      case .wait, nil: mustWait = true
      }
    }
    if mustWait { return .wait }
    for id in ids {
      accounts[id]?.held += amount
      accounts[id]?.liveCount += 1
      accounts[id]?.touched = now
      raiseIfDue(id)
    }
    return .drawn
  }

  /// Replaces a hold by what it came to.
  package mutating func end(hold: Int64, cost: Int64, isUncertain: Bool, in ids: [Int64]) {
    for id in ids {
      accounts[id]?.held -= hold
      if isUncertain {
        accounts[id]?.uncertain.grow(by: cost)
      } else {
        accounts[id]?.settled.grow(by: cost)
      }
    }
  }

  /// The line of a draw is on the disk; what it cost beyond its hold was added to the ceiling
  /// there.
  package mutating func committed(excess: Int64, in ids: [Int64]) {
    for id in ids {
      accounts[id]?.liveCount -= 1
      accounts[id]?.exceeded(by: excess)
    }
  }

  /// An uncertain sum turned out to be another.
  package mutating func corrected(from old: Int64, to new: Int64, in ids: [Int64]) {
    for id in ids where accounts[id] != nil {
      accounts[id]?.uncertain -= old
      accounts[id]?.settled.grow(by: new)
      accounts[id]?.exceeded(by: max(0, new - old))
    }
  }

  package mutating func raised(_ raise: Raise) {
    accounts[raise.id]?.raised(to: raise.ceiling)
    raiseIfDue(raise.id)
  }

  /// A call waits for so much of each of these accounts, or does so no more.
  package mutating func waits(for amount: Int64, in ids: [Int64]) {
    for id in ids {
      accounts[id]?.waits(for: amount)
      raiseIfDue(id)
    }
  }

  package mutating func waitsNoMore(for amount: Int64, in ids: [Int64]) {
    for id in ids { accounts[id]?.waitsNoMore(for: amount) }
  }

  package func isAwaited(_ ids: [Int64]) -> Bool {
    ids.contains { (accounts[$0]?.waitingCount ?? 0) > 0 }
  }

  package mutating func raiseIfDue(_ id: Int64) {
    guard let ceiling = accounts[id]?.raise() else { return }
    raises.append(Raise(id: id, ceiling: ceiling))
  }

  package mutating func takeRaises() -> [Raise] {
    defer { raises = [] }
    return raises
  }

  /// Holds the accounts of a budget to another cap; what has to be handed back for it.
  package mutating func setCap(_ cap: Int64, of budget: GatewayName) -> [Raise] {
    var handedBack: [Raise] = []
    for account in accounts.values where account.key.budget == budget {
      if let raise = close(account.id) {
        handedBack.append(raise)
      } else if cap < account.cap, let ceiling = accounts[account.id]?.lower(to: cap) {
        handedBack.append(Raise(id: account.id, ceiling: ceiling))
      } else {
        accounts[account.id]?.cap = cap
        raiseIfDue(account.id)
      }
    }
    return handedBack
  }

  /// Forgets an account that nobody uses; what of its chunk is not used goes back.
  package mutating func close(_ id: Int64) -> Raise? {
    guard let account = accounts[id], account.isIdle else { return nil }
    accounts[id] = nil
    ids[account.key] = nil
    return Raise(id: id, ceiling: account.used)
  }

  /// Accounts that were last drawn from before a moment, or whose window is over by then.
  package func idle(before moment: Int64, windowsEndedAt now: Int64) -> [Int64] {
    accounts.values.filter {
      $0.isIdle && ($0.touched < moment || $0.key.window.end <= now)
    }.map(\.id)
  }
}
