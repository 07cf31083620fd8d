import GatewayBudgets
import GatewayValues

/// What the journal says of an attempt: enough to write its line without this process.
package enum JournalRecord: Equatable, Sendable {
  case opened(epoch: Int64, boot: String)
  case reserved(LiveAttempt)
  case sent(AttemptID, LedgerLine.Moment)
  case ended(LiveAttempt)
  /// Everything that was under way when this journal was begun stands before this.
  case whole
}

/// An attempt with all that is known of it so far.
package struct LiveAttempt: Equatable, Sendable {
  package var line: LedgerLine
  /// Over the canonical request: what the call key was used for.
  package var requestHash: [UInt8]
  package var endsCall = false
  package var reply: [UInt8] = []

  package init(line: LedgerLine, requestHash: [UInt8]) {
    self.line = line
    self.requestHash = requestHash
  }

  package var callName: CallName? {
    CallKey(line.callKey).map { CallName(product: line.order.party.product, key: $0) }
  }
}

extension JournalWriter {
  package mutating func write(_ record: JournalRecord) {
    self.record { writer in
      switch record {
      case .opened(let epoch, let boot):
        writer.number(1)
        writer.number(epoch)
        writer.text(boot)
      case .reserved(let attempt): writer.reservation(attempt)
      case .sent(let id, let moment): writer.sending(id, moment)
      case .ended(let attempt): writer.ending(attempt)
      case .whole: writer.number(5)
      }
    }
  }

  /// The two records of an attempt that was reserved and is sent, without a copy of it.
  package mutating func write(sent attempt: LiveAttempt) {
    record { $0.reservation(attempt) }
    record { $0.sending(attempt.line.attempt, attempt.line.sent) }
  }

  package mutating func write(ended attempt: LiveAttempt) { record { $0.ending(attempt) } }

  private mutating func sending(_ id: AttemptID, _ moment: LedgerLine.Moment) {
    number(3)
    number(id.number)
    self.moment(moment)
  }

  private mutating func moment(_ moment: LedgerLine.Moment) {
    number(moment.operation)
    number(moment.milliseconds)
  }

  private mutating func reservation(_ attempt: LiveAttempt) {
    number(2)
    number(attempt.line.attempt.number)
    text(attempt.line.callKey)
    text(attempt.line.order.party.product.text)
    text(attempt.line.order.party.key.text)
    text(attempt.line.order.party.run?.text ?? "")
    text(attempt.line.order.party.model.text)
    text(attempt.line.order.provider.text)
    number(attempt.line.order.kind.rawValue)
    number(attempt.line.order.isBatched ? 1 : 0)
    number(attempt.line.order.bound.inputTokensMax)
    number(attempt.line.order.bound.outputTokensMax)
    number(attempt.line.order.bound.webSearchesMax)
    number(attempt.line.bound.count)
    number(Int64(attempt.line.accounts.count))
    for account in attempt.line.accounts { number(account) }
    text(attempt.line.priceVersion)
    blob(attempt.requestHash)
    moment(attempt.line.reserved)
    // Left out where there is none, as by those who knew of none.
    if attempt.line.order.cacheReadPredicted > 0 { number(attempt.line.order.cacheReadPredicted) }
  }

  private mutating func ending(_ attempt: LiveAttempt) {
    number(4)
    number(attempt.line.attempt.number)
    number(attempt.line.state.rawValue)
    number(attempt.line.standing?.rawValue ?? 0)
    number(attempt.line.outcome?.rawValue ?? 0)
    let usage = attempt.line.usage
    number(usage.freshInput)
    number(usage.cacheRead)
    number(usage.cacheWriteShort)
    number(usage.cacheWriteLong)
    number(usage.output)
    number(usage.reasoning)
    number(usage.webSearches)
    number(attempt.line.cost.count)
    number(attempt.line.flags.rawValue)
    number(attempt.endsCall ? 1 : 0)
    text(attempt.line.answeredModel)
    text(attempt.line.providerRequestID)
    blob(attempt.reply)
    moment(attempt.line.ended)
  }
}

extension JournalBytesReader {
  /// Applies the record to what is known; false when it says nothing that can be understood.
  package mutating func apply(to state: inout JournalState) -> Bool {
    switch number() {
    case 1:
      guard let epoch = number(), let boot = text() else { return false }
      state.epoch = epoch
      state.boot = boot
    case 2:
      guard let attempt = reservation() else { return false }
      state.attempts[attempt.line.attempt] = attempt
    case 3:
      guard let id = number().map(AttemptID.init(number:)), let moment = moment(),
        state.attempts[id] != nil
      else { return false }
      state.attempts[id]?.line.state = .sent
      state.attempts[id]?.line.sent = moment
    case 4:
      guard let id = number().map(AttemptID.init(number:)), var attempt = state.attempts[id],
        ending(&attempt)
      else { return false }
      state.attempts[id] = attempt
    case 5: state.isWhole = true
    default: return false
    }
    return isAtEnd
  }

  private mutating func moment() -> LedgerLine.Moment? {
    guard let operation = number(), let milliseconds = number() else { return nil }
    return LedgerLine.Moment(operation: operation, milliseconds: milliseconds)
  }

  private mutating func numbers(_ count: Int) -> [Int64]? {
    var values: [Int64] = []
    for _ in 0..<count {
      guard let value = number() else { return nil }
      values.append(value)
    }
    return values
  }

  private mutating func name() -> GatewayName? { text().flatMap { GatewayName($0) } }

  private mutating func reservation() -> LiveAttempt? {
    guard let id = number(), let callKey = text(), let product = name(), let key = name(),
      let run = text(), let model = name(), let provider = name(), let values = numbers(7),
      let kind = AttemptKind(rawValue: values[0]),
      (0...Int64(BudgetLimits.perCallMax)).contains(values[6]),
      let accounts = numbers(Int(values[6])), let version = text(), let hash = blob(),
      let reserved = moment()
    else { return nil }
    var order = AttemptOrder(
      party: CallParty(product: product, key: key, run: GatewayName(run), model: model),
      provider: provider,
      bound: CallBound(
        inputTokensMax: values[2], outputTokensMax: values[3], webSearchesMax: values[4]))
    order.kind = kind
    order.isBatched = values[1] == 1
    if !isAtEnd {
      guard let predicted = number(), predicted > 0 else { return nil }
      order.cacheReadPredicted = predicted
    }
    var line = LedgerLine(attempt: AttemptID(number: id), order: order)
    line.callKey = callKey
    line.bound = NanoDollars(values[5])
    line.accounts = accounts
    line.priceVersion = version
    line.reserved = reserved
    return LiveAttempt(line: line, requestHash: hash)
  }

  private mutating func ending(_ attempt: inout LiveAttempt) -> Bool {
    guard let values = numbers(13), let state = AttemptState(rawValue: values[0]), state.isEnd,
      let answered = text(), let request = text(), let reply = blob(), let ended = moment()
    else { return false }
    attempt.line.state = state
    attempt.line.standing = UsageStanding(rawValue: values[1])
    attempt.line.outcome = AttemptOutcome(rawValue: values[2])
    attempt.line.usage = TokenUsage(
      freshInput: values[3], cacheRead: values[4], cacheWriteShort: values[5],
      cacheWriteLong: values[6], output: values[7], reasoning: values[8], webSearches: values[9])
    attempt.line.cost = NanoDollars(values[10])
    attempt.line.flags = LineFlags(rawValue: values[11])
    attempt.endsCall = values[12] == 1
    attempt.line.answeredModel = answered
    attempt.line.providerRequestID = request
    attempt.line.ended = ended
    attempt.reply = reply
    return true
  }
}
