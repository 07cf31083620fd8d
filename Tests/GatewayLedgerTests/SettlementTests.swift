import GatewayBudgets
import GatewayValues
import Machine
import TestSupport
import Testing

@testable import LedgerFile

/// The journal of settlements without a disk: its blocks, and what is believed of them.
@Suite struct SettlementTests {
  private static let block = DirectFile.blockBytes

  private func attempt(_ number: Int64, replyBytes: Int = 0) -> LiveAttempt {
    let order = AttemptOrder(
      party: CallParty(
        product: LedgerFixture.product, key: LedgerFixture.name("key"),
        model: LedgerFixture.model),
      provider: LedgerFixture.name("provider"),
      bound: CallBound(inputTokensMax: number, outputTokensMax: 1))
    var line = LedgerLine(attempt: AttemptID(epoch: 3, counter: number), order: order)
    line.callKey = "call-\(number)"
    line.bound = NanoDollars(number * 1_000)
    line.accounts = [1, number]
    line.priceVersion = "v1"
    line.reserved = LedgerLine.Moment(operation: number, milliseconds: 1_795_608_000_000)
    // One that was never sent ends too.
    if number % 5 > 0 { line.sent = LedgerLine.Moment(operation: number + 1, milliseconds: 5) }
    line.state = number % 5 > 0 ? .settled : .void
    line.standing = .exact
    line.outcome = .answered
    line.cost = NanoDollars(number)
    line.ended = LedgerLine.Moment(operation: number + 2, milliseconds: 6)
    var attempt = LiveAttempt(line: line, requestHash: [1, 2, 255])
    attempt.endsCall = true
    attempt.reply = (0..<replyBytes).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    return attempt
  }

  /// A disk, the groups on it, and whose lines are not committed.
  private struct Model {
    var disk: [UInt8]
    var ring: SettlementRing
    var life = SettlementLife()
    /// By the number of the group.
    var needed: [Int64: [AttemptID: LiveAttempt]] = [:]
    var counter: Int64 = 0

    init(blocks: Int) {
      disk = [UInt8](repeating: 0, count: blocks * SettlementTests.block)
      ring = SettlementRing(byteCount: disk.count)
    }

    var attempts: [AttemptID: LiveAttempt] {
      needed.values.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
    }
  }

  /// One more group; nil when the ring has no room. Only some of its sectors, when it is `torn`.
  private func write(
    _ model: inout Model, isTorn: Bool, _ random: inout SeededRandom
  ) -> Int64? {
    var group = SettlementGroup()
    var attempts: [AttemptID: LiveAttempt] = [:]
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      model.counter += 1
      let one = attempt(
        model.counter,
        replyBytes: Bool.random(using: &random) ? 0 : Int.random(in: 0...9_000, using: &random))
      group.add(one)
      attempts[one.line.attempt] = one
    }
    guard let place = model.ring.place(byteCount: group.byteCount, attempts: attempts.count)
    else { return nil }
    var bytes = group.pieces(place, in: model.life).flatMap { $0 }
    bytes += [UInt8](repeating: 0, count: DirectFile.room(for: bytes.count) - bytes.count)
    #expect(place.offset + bytes.count <= model.disk.count)
    var kept = 0
    let sectors = bytes.count / 512
    for sector in 0..<sectors {
      // A whole one that is written but not waited for counts as if it were.
      if isTorn, Bool.random(using: &random) { continue }
      kept += 1
      let range = sector * 512..<(sector + 1) * 512
      model.disk.replaceSubrange(
        place.offset + range.lowerBound..<place.offset + range.upperBound, with: bytes[range])
    }
    if !isTorn { model.needed[place.number] = attempts }
    return kept == sectors && isTorn ? nil : place.number
  }

  @Test(arguments: 0..<16)
  func `a power cut at any moment leaves every group that is needed`(_ round: Int) {
    var random = SeededRandom("settlements \(round)")
    var model = Model(blocks: Int.random(in: 8...24, using: &random))
    for _ in 0..<250 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0..<4: _ = write(&model, isTorn: false, &random)
      case 4..<7:
        // The writer commits in order, but hears of it in parts.
        guard let number = model.needed.keys.min() else { continue }
        for _ in model.needed[number] ?? [:] { model.ring.release(number) }
        model.needed[number] = nil
      default:
        var cut = model
        _ = write(&cut, isTorn: true, &random)
        let scan = SettlementScan(cut.disk, of: model.life)
        for (id, attempt) in model.attempts { #expect(scan.attempts[id] == attempt) }
        #expect(SettlementScan(cut.disk, of: SettlementLife()) == SettlementScan([], of: cut.life))
        // A new life begins at the front of what the last one has left.
        if Int.random(in: 0..<4, using: &random) == 0 {
          var next = Model(blocks: 0)
          next.disk = cut.disk
          next.ring = SettlementRing(byteCount: cut.disk.count)
          next.counter = model.counter
          model = next
          let scan = SettlementScan(model.disk, of: model.life)
          #expect(scan.attempts.isEmpty)
        }
      }
      #expect(model.ring.count == model.needed.count)
    }
  }

  @Test func `nothing is written over before its lines are committed`() {
    var ring = SettlementRing(byteCount: 4 * Self.block)
    let first = ring.place(byteCount: 10, attempts: 2)
    let second = ring.place(byteCount: 2 * Self.block, attempts: 1)
    #expect(first == SettlementRing.Place(number: 1, oldest: 1, offset: 0))
    #expect(second == SettlementRing.Place(number: 2, oldest: 1, offset: Self.block))
    // One block is left, and none in front.
    #expect(ring.place(byteCount: Self.block + 1, attempts: 1) == nil)
    ring.release(2)
    #expect(ring.place(byteCount: Self.block + 1, attempts: 1) == nil)
    ring.release(1)
    #expect(ring.place(byteCount: Self.block + 1, attempts: 1) == nil)
    ring.release(1)
    #expect(ring.count == 0)
    #expect(
      ring.place(byteCount: Self.block + 1, attempts: 1)
        == SettlementRing.Place(number: 3, oldest: 3, offset: 0))
    #expect(ring.place(byteCount: 5 * Self.block, attempts: 1) == nil)
  }

  @Test func `a damaged group is never believed, and the others are`() {
    var random = SeededRandom("damaged settlements")
    for _ in 0..<200 {
      var model = Model(blocks: 32)
      for _ in 0..<3 { _ = write(&model, isTorn: false, &random) }
      let whole = SettlementScan(model.disk, of: model.life)
      #expect(whole.attempts == model.attempts)
      var offset = 0
      for (number, attempts) in model.needed.filter({ $0.key < 3 }).sorted(by: { $0.key < $1.key })
      {
        var group = SettlementGroup()
        for attempt in attempts.values { group.add(attempt) }
        offset +=
          number == 1
          ? DirectFile.room(for: group.byteCount)
          : Int.random(in: 0..<group.byteCount, using: &random)
      }
      model.disk[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      model.needed[2] = nil
      let scan = SettlementScan(model.disk, of: model.life)
      #expect(scan.attempts == model.attempts)
    }
  }

  @Test func `random bytes are no settlements and never trap`() {
    var random = SeededRandom("random settlements")
    var model = Model(blocks: 8)
    while write(&model, isTorn: false, &random) != nil {}
    for _ in 0..<500 {
      _ = SettlementScan(random.bytes(countMax: 9_000), of: model.life)
      _ = SettlementScan(random.mutation(of: model.disk), of: model.life)
    }
  }
}
