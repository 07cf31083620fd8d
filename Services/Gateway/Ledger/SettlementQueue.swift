import Faults
import LedgerFile

/// Settlements that wait for their journal, and where in it the next go. Behind the ledger's lock.
struct SettlementQueue {
  struct Waiting: Sendable {
    let id: AttemptID
    let answer: LedgerOrder.Answer
  }

  /// What is written in one go, and who hears that it is on the disk.
  struct Write: Sendable {
    var pieces: [[UInt8]] = []
    var offset = 0
    var answers: [(answer: LedgerOrder.Answer, line: LedgerLine)] = []
    /// Whose lines were committed meanwhile: they need no journal any more.
    var committed: [LedgerOrder.Answer] = []
  }

  /// nil: there is no journal, and everybody waits for the commit of his line.
  var ring: SettlementRing?
  let life: SettlementLife
  var waiting: [Waiting] = []

  init(life: SettlementLife) { self.life = life }
}

extension LedgerState {
  /// Where somebody who settles finds out that it is durable.
  enum Settling {
    case journal(isAlone: Bool)
    case commit(isAlone: Bool)
    /// It has ended before.
    case over
  }

  /// Ends an attempt for somebody who waits until that survives a power cut.
  mutating func settle(
    _ id: AttemptID, _ settlement: Settlement?, at now: Int64, _ answer: LedgerOrder.Answer
  ) throws(Fault) -> Settling {
    // Of the others, those that have ended wait for nothing but their commit.
    let isAlone = live.count - linesUnderWay <= 1
    guard live[id] != nil, let ended = try end(id, settlement, at: now) else { return .over }
    guard settlements.ring != nil,
      ended.attempt.reply.count <= LedgerLimits.replyInSettlementsBytesMax
    else {
      queue(.line(ended.attempt), answer)
      return .commit(isAlone: isAlone)
    }
    queue(.line(ended.attempt))
    settlements.waiting.append(SettlementQueue.Waiting(id: id, answer: answer))
    return .journal(isAlone: isAlone)
  }

  /// What goes into the journal now: of those who wait, as many as fit. Where it is full, they
  /// wait for the commit of their lines instead.
  mutating func takeSettlements() -> SettlementQueue.Write {
    var write = SettlementQueue.Write()
    var group = SettlementGroup()
    var taken: [SettlementQueue.Waiting] = []
    var count = 0
    for next in settlements.waiting {
      guard let known = live[next.id] else {
        write.committed.append(next.answer)
        count += 1
        continue
      }
      guard group.hasRoom(for: known.attempt) else { break }
      group.add(known.attempt)
      taken.append(next)
      count += 1
    }
    settlements.waiting.removeFirst(count)
    guard !taken.isEmpty else { return write }
    guard
      let place = settlements.ring?.place(byteCount: group.byteCount, attempts: taken.count)
    else {
      for next in taken + settlements.waiting { waitForCommit(next.answer) }
      settlements.waiting = []
      return write
    }
    for next in taken {
      guard let known = live[next.id] else { continue }
      known.settlementGroup = place.number
      write.answers.append((next.answer, known.attempt.line))
    }
    write.pieces = group.pieces(place, in: settlements.life)
    write.offset = place.offset
    return write
  }

  /// The journal has failed, or the loop ends: from here on every line is waited for.
  mutating func endSettlements(_ answers: [LedgerOrder.Answer]) {
    settlements.ring = nil
    let waiting = settlements.waiting
    settlements.waiting = []
    for answer in answers + waiting.map(\.answer) { waitForCommit(answer) }
  }

  /// A line is on its way to the disk: whoever has this answer hears when all lines of now are.
  private mutating func waitForCommit(_ answer: LedgerOrder.Answer) {
    if let fault {
      answer.resume(returning: .failure(fault))
    } else {
      queue(.barrier, answer)
    }
  }
}
