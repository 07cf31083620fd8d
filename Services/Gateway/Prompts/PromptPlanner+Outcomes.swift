package import GatewayPacing

extension PromptPlanner {
  /// The first byte of a call's answer is there: what it has written can be read from now on.
  /// Whether somebody may have waited for that.
  package mutating func began(_ id: UInt64, use: PromptUse?, at now: MonotonicInstant) -> Bool {
    guard var flight = flights[id], !flight.hasBegun else { return false }
    flight.hasBegun = true
    flights[id] = flight
    settle(flight, use, at: now)
    return !flight.written.isEmpty
  }

  /// The call has ended: with what it used, or without an answer.
  ///
  /// What a failed call was to write is anybody's again; what it had begun to answer is written.
  package mutating func ended(_ id: UInt64, use: PromptUse?, at now: MonotonicInstant) -> Bool {
    guard let flight = flights.removeValue(forKey: id) else { return false }
    if use != nil {
      settle(flight, use, at: now)
    } else if !flight.hasBegun {
      for written in flight.written where isWarming(written.name, id) {
        set(.unknown, of: written.name)
      }
    }
    return !flight.written.isEmpty
  }

  private func isWarming(_ name: Name, _ id: UInt64) -> Bool {
    if case .warming(id) = prefix(name)?.standing { true } else { false }
  }

  private mutating func settle(_ flight: Flight, _ use: PromptUse?, at now: MonotonicInstant) {
    if let read = flight.read { settle(read: read, of: flight, use, at: now) }
    guard let longest = flight.written.first else { return }
    guard let use else {
      // Nobody has said yet how much it is.
      for written in flight.written { warm(written, written.tokens, flight.since, at: now) }
      return
    }
    let kept = use.read + use.written
    guard kept > 0 else {
      for written in flight.written {
        set(.refused(until: now + PromptLimits.shortLife), of: written.name)
      }
      return
    }
    for written in flight.written {
      // All that was kept goes up to the longest mark; of the others, only the ratio is known. A
      // provider that needs no marks keeps the whole prompt, which says nothing of a part.
      let tokens =
        flight.takesMarks
        ? Int64(Double(kept) * Double(written.tokens) / Double(max(1, longest.tokens)))
        : written.tokens
      warm(written, tokens, flight.since, at: now)
    }
  }

  private mutating func warm(
    _ written: (name: Name, tokens: Int64, life: PrefixLife), _ tokens: Int64,
    _ since: MonotonicInstant, at now: MonotonicInstant
  ) {
    // Its life began when the call was sent.
    let until = since + (written.life.duration - PromptLimits.lifeMargin)
    set(.warm(until: until, life: written.life, tokens: tokens), of: written.name)
  }

  private mutating func settle(
    read: (name: Name, tokens: Int64), of flight: Flight, _ use: PromptUse?,
    at now: MonotonicInstant
  ) {
    guard let use, case .warm(_, let life, _) = prefix(read.name)?.standing else { return }
    guard use.read > 0 else { return set(.unknown, of: read.name) }
    // A read begins its life anew.
    let until = flight.since + (life.duration - PromptLimits.lifeMargin)
    let tokens = flight.written.isEmpty ? use.read : min(use.read, read.tokens)
    set(.warm(until: until, life: life, tokens: tokens), of: read.name)
  }
}

extension PromptPlanner.Prefix {
  /// For how long the provider keeps it, where it does.
  var keptLife: PrefixLife? {
    if case .warm(_, let life, _) = standing { life } else { nil }
  }
}
