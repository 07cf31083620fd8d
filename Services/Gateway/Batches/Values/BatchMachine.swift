// GatewayBatches: providers' batches, which cost half and take up to a day: read from whoever asks,
// held in the ledger request by request, written down before they leave, sent, looked for when the
// answer was lost, polled through restarts, collected, settled. It never sends a batch twice that
// may have been taken, never keeps one of which nobody can be told, and sends nothing that the
// ledger does not hold money for. Limits: `BatchLimits`.

/// Named limits of batches.
package enum BatchLimits {
  /// Requests of one batch, and of all that are under way: each holds its money.
  package static let requestsMax = 8_192
  /// Of a batch's body, and of a file with requests.
  package static let bytesMax = 32 << 20
  /// Values in the body of one batch: what a tape of them may need.
  package static let valuesMax = 1_000_000
  package static let customIDBytesMax = 512
  /// One line of a provider's results.
  package static let lineBytesMax = 8 << 20
  /// All of a provider's results, which are read as they come.
  package static let resultsBytesMax = 4 << 30
  /// A provider's word about a batch, and its list of batches.
  package static let answerBytesMax = 8 << 20
  /// Of a product: files, their bytes, batches.
  package static let filesMax = 1_000
  package static let filesBytesMax: Int64 = 1 << 30
  package static let batchesMax = 10_000
  package static let metadataMax = 15
  /// Files and results go after so long, as they do at the providers.
  package static let keptMilliseconds: Int64 = 29 * 86_400_000
  /// When a provider gives a batch up, and how much longer it is asked about it.
  package static let lifeMilliseconds: Int64 = 86_400_000
  package static let graceMilliseconds: Int64 = 86_400_000
  /// How often one batch is sent, and how often a list has to lack it before that.
  package static let sendsMax: Int64 = 16
  package static let looksMax: Int64 = 2
  /// Lines that are settled and written down together.
  package static let groupMax = 128
  /// Calls that share a batch, and all that wait in one; their bodies, one and together.
  package static let gatheringMax = 1_000
  package static let gatheredMax = 4_096
  package static let gatheredBytesMax = 4 << 20
  /// Documents of a call that are read into a batch: base64 makes them a third larger.
  package static let gatheredMediaBytesMax = gatheredBytesMax / 4 * 3
  package static let gatheringBytesMax = 16 << 20
  /// Pages of a provider's list that a lost batch is looked for in.
  package static let pagesMax = 10
}

/// How often a provider is asked, at first and at last, and what single calls are waited with.
package struct BatchPace: Hashable, Sendable {
  package var firstMilliseconds: Int64
  package var mostMilliseconds: Int64
  /// How long a call waits for others to share its batch.
  package var gatherMilliseconds: Int64 = 5_000
  /// How long before its deadline a call is no longer left to a batch.
  package var leadMilliseconds: Int64 = 900_000

  package init(firstMilliseconds: Int64 = 5_000, mostMilliseconds: Int64 = 60_000) {
    self.firstMilliseconds = max(1, firstMilliseconds)
    self.mostMilliseconds = max(self.firstMilliseconds, mostMilliseconds)
  }
}

/// What became of one request of a batch.
package enum BatchOutcome: Int64, CaseIterable, Sendable {
  case waiting = 0
  case succeeded = 1
  case errored = 2
  case canceled = 3
  case expired = 4
  /// Nobody knows; it may have been paid for.
  case lost = 5
}

/// The life of a batch: what may happen to it, and what is to be done next.
package struct BatchMachine: Hashable, Sendable {
  package enum Stage: Int64, CaseIterable, Sendable {
    /// Written down; nothing has left, and nobody was told of it.
    case made = 1
    /// It may have left.
    case sending = 2
    /// It has not left, or was not taken: it is sent when its moment comes.
    case resting = 3
    /// The provider may have it: it is looked for among those that it has.
    case seeking = 4
    /// The provider has it.
    case running = 5
    /// The provider has done with it; its results are to be read.
    case collecting = 6
    /// Requests without a result are to be settled.
    case closing = 7
    case ended = 8
  }

  package enum Event: Hashable, Sendable {
    case send
    case accepted(String)
    /// For good.
    case refused
    /// It surely was not taken; again after so many milliseconds.
    case notTaken(after: Int64)
    /// Nobody knows whether it was taken.
    case lost
    case found(String)
    case notFound
    /// The list could not be had, or holds what may be it.
    case unclear(after: Int64)
    case stillRunning
    /// The provider has done with it; what has no result is this.
    case over(rest: BatchOutcome)
    /// The provider does not know it any more.
    case unknownThere
    case unreachable(after: Int64)
    case collected
    case closed
    case cancel
    /// The provider knows that it is to be canceled.
    case cancelTold
    /// The process that had it ended.
    case restarted
  }

  package enum Move: Hashable, Sendable {
    /// On with `work`, at `nextAt`.
    case go
    /// It is as if it had never been.
    case drop
    /// It has happened before, or does not matter any more.
    case already
    case illegal
  }

  package enum Work: Hashable, Sendable {
    case nothing, send, seek, poll, tellCancel, collect, close
  }

  package var stage = Stage.made
  package var providerID = ""
  package var isCanceled = false
  package var isCancelTold = false
  package var sends: Int64 = 0
  package var looks: Int64 = 0
  /// What requests without a result will have come to.
  package var rest = BatchOutcome.waiting
  /// Milliseconds since 1970: when the work is to be done, and when the provider gives it up.
  package var nextAt: Int64 = 0
  package var expiresAt: Int64
  private var pause: Int64 = 0

  package init(created now: Int64) { expiresAt = now.adding(BatchLimits.lifeMilliseconds) }

  /// What is to be done when `nextAt` has come.
  package var work: Work {
    switch stage {
    case .made, .sending, .ended: .nothing
    case .resting: .send
    case .seeking: .seek
    case .running: isCanceled && !isCancelTold ? .tellCancel : .poll
    case .collecting: .collect
    case .closing: .close
    }
  }

  /// Whether it may ever be asked for from outside.
  package var isKnown: Bool { stage != .made }

  package mutating func take(_ event: Event, at now: Int64, _ pace: BatchPace) -> Move {
    switch event {
    case .cancel: return cancel(at: now)
    case .restarted: return restart(at: now, pace)
    default: break
    }
    switch (stage, event) {
    case (.made, .send), (.resting, .send):
      stage = .sending
      sends += 1
      return .go
    case (.sending, _): return sent(event, at: now, pace)
    case (.seeking, _): return sought(event, at: now, pace)
    case (.running, _): return polled(event, at: now, pace)
    case (.collecting, .collected): return close(rest, at: now)
    case (.collecting, .unknownThere): return close(.lost, at: now)
    case (.collecting, .unreachable(let after)): return wait(after, at: now, pace)
    case (.closing, .closed):
      stage = .ended
      return .go
    case (.ended, .closed): return .already
    default: return .illegal
    }
  }

  /// Takes over when the other is to be worked on: what need not be written down.
  mutating func takeTimes(of other: BatchMachine) {
    nextAt = other.nextAt
    pause = other.pause
  }

  // MARK: - One stage each

  private mutating func sent(_ event: Event, at now: Int64, _ pace: BatchPace) -> Move {
    switch event {
    case .accepted(let id): return run(id, at: now, pace)
    case .refused: return close(.errored, at: now)
    case .notTaken(let after):
      if isCanceled { return close(.canceled, at: now) }
      guard sends < BatchLimits.sendsMax, now < expiresAt else { return close(.expired, at: now) }
      stage = .resting
      return wait(after, at: now, pace)
    case .lost:
      stage = .seeking
      looks = 0
      return wait(0, at: now, pace)
    default: return .illegal
    }
  }

  private mutating func sought(_ event: Event, at now: Int64, _ pace: BatchPace) -> Move {
    switch event {
    case .found(let id): return run(id, at: now, pace)
    case .notFound:
      looks += 1
      // It may have been on its way into the list at the first look.
      guard looks >= BatchLimits.looksMax else { return wait(0, at: now, pace) }
      if isCanceled { return close(.canceled, at: now) }
      guard sends < BatchLimits.sendsMax, now < expiresAt else { return close(.expired, at: now) }
      stage = .resting
      nextAt = now
      return .go
    case .unclear(let after):
      looks = 0
      return wait(after, at: now, pace)
    default: return .illegal
    }
  }

  private mutating func polled(_ event: Event, at now: Int64, _ pace: BatchPace) -> Move {
    switch event {
    case .stillRunning: return wait(0, at: now, pace)
    case .over(let outcome):
      stage = .collecting
      rest = outcome
      pause = 0
      nextAt = now
      return .go
    case .unknownThere: return close(.lost, at: now)
    case .unreachable(let after): return wait(after, at: now, pace)
    case .cancelTold:
      isCancelTold = true
      pause = 0
      return wait(0, at: now, pace)
    default: return .illegal
    }
  }

  private mutating func cancel(at now: Int64) -> Move {
    if isCanceled || stage == .ended { return .already }
    isCanceled = true
    switch stage {
    case .made, .resting: return close(.canceled, at: now)
    case .running: nextAt = now
    case .sending, .seeking, .collecting, .closing, .ended: break
    }
    return .go
  }

  private mutating func restart(at now: Int64, _ pace: BatchPace) -> Move {
    nextAt = now
    switch stage {
    case .made: return .drop
    case .ended: return .already
    case .sending:
      stage = .seeking
      looks = 0
      // What was just on its way may not be in the list yet.
      return wait(0, at: now, pace)
    case .resting, .seeking, .running, .collecting, .closing: return .go
    }
  }

  // MARK: - Moves

  private mutating func run(_ id: String, at now: Int64, _ pace: BatchPace) -> Move {
    stage = .running
    providerID = id
    pause = 0
    if isCanceled {
      nextAt = now
      return .go
    }
    return wait(0, at: now, pace)
  }

  private mutating func close(_ outcome: BatchOutcome, at now: Int64) -> Move {
    stage = .closing
    rest = outcome
    nextAt = now
    return .go
  }

  /// Longer each time, and no less than the provider asked for. Nothing is waited for for ever.
  private mutating func wait(_ after: Int64, at now: Int64, _ pace: BatchPace) -> Move {
    if now >= expiresAt.adding(BatchLimits.graceMilliseconds) { return close(.lost, at: now) }
    pause =
      pause == 0
      ? pace.firstMilliseconds : min(pace.mostMilliseconds, pause.adding(pause / 2 + 1))
    nextAt = now.adding(max(pause, min(max(0, after), BatchLimits.lifeMilliseconds)))
    return .go
  }
}

extension Int64 {
  /// Moments stop at the end of the type.
  fileprivate func adding(_ other: Int64) -> Int64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other > 0 ? .max : .min) : sum
  }
}
