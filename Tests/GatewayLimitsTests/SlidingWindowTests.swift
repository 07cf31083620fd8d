import GatewayLimits
import GatewayPacing
import TestSupport
import Testing

/// The same promise in the plainest words: a list, added up each time.
private struct PlainWindow {
  var entries: [(at: Int64, amount: Int64)] = []
  let reach: Int64

  func used(at now: Int64) -> Int64 {
    entries.filter { $0.at > now - reach }.map(\.amount).reduce(0, +)
  }

  func firstFit(_ amount: Int64, limit: Int64, at now: Int64) -> Int64? {
    let times = [now] + entries.map { $0.at + reach }.filter { $0 > now }.sorted()
    return times.first { used(at: $0) + amount <= limit }
  }
}

@Suite struct SlidingWindowTests {
  @Test func `a window counts what a plain list counts`() {
    var random = SeededRandom("window")
    for _ in 0..<400 {
      let limit = Int64.random(in: 1...60, using: &random)
      var window = SlidingWindow(
        limit: limit, length: .nanoseconds(90), guardMargin: .nanoseconds(10))
      var plain = PlainWindow(reach: 100)
      var tickets: [(SlidingWindow.Ticket, Int)] = []
      var now: Int64 = 0
      for _ in 0..<120 {
        now += Int64.random(in: 0...12, using: &random)
        window.advance(to: MonotonicInstant(nanoseconds: now))
        let amount = Int64.random(in: 0...20, using: &random)
        #expect(window.used == plain.used(at: now))
        #expect(window.fits(amount) == (amount == 0 || plain.used(at: now) + amount <= limit))
        if amount <= limit, amount > 0 {
          #expect(
            window.firstFit(amount)?.nanoseconds == plain.firstFit(amount, limit: limit, at: now))
        }
        if window.fits(amount), amount > 0 {
          plain.entries.append((now, amount))
          tickets.append(
            (
              window.reserve(amount, at: MonotonicInstant(nanoseconds: now)),
              plain.entries.count - 1
            ))
        }
        if Bool.random(using: &random), let index = tickets.indices.randomElement(using: &random) {
          let actual = Int64.random(in: 0...25, using: &random)
          window.correct(&tickets[index].0, to: actual)
          plain.entries[tickets[index].1].amount = actual
        }
      }
    }
  }

  @Test func `a limit set later finds what was used before as one set from the start`() {
    var random = SeededRandom("late limit")
    for _ in 0..<100 {
      let limit = Int64.random(in: 20...60, using: &random)
      let make = { (limit: Int64?) in
        SlidingWindow(limit: limit, length: .nanoseconds(90), guardMargin: .nanoseconds(10))
      }
      var (early, late) = (make(limit), make(nil))
      var tickets: [(early: SlidingWindow.Ticket, late: SlidingWindow.Ticket)] = []
      var now = MonotonicInstant(nanoseconds: 0)
      let steps = Int.random(in: 1...150, using: &random)
      for step in 0..<steps + 40 {
        if step == steps { late.limit = limit }
        now = now.later(by: Int64.random(in: 0...6, using: &random))
        let amount = Int64.random(in: 1...9, using: &random)
        tickets.append((early.reserve(amount, at: now), late.reserve(amount, at: now)))
        if let index = tickets.indices.randomElement(using: &random) {
          let actual = Int64.random(in: 0...9, using: &random)
          early.correct(&tickets[index].early, to: actual)
          late.correct(&tickets[index].late, to: actual)
        }
        guard step >= steps else { continue }
        for amount in [Int64(1), 7, limit] {
          #expect(early.fits(amount) == late.fits(amount))
          #expect(early.firstFit(amount) == late.firstFit(amount))
        }
      }
    }
  }

  @Test func `what is held counts until it is settled and then for a whole window`() {
    var window = SlidingWindow(limit: 100, length: .seconds(60), guardMargin: .zero)
    window.hold(80)
    window.advance(to: at(300))
    #expect(!window.fits(21) && window.fits(20))
    #expect(window.firstFit(21) == nil)
    window.settle(held: 80, as: 50, at: at(300))
    #expect(window.used == 50)
    #expect(window.firstFit(60) == at(360))
    window.advance(to: at(360))
    #expect(window.used == 0)
  }

  @Test func `memory is bounded and the limit holds beyond the bound`() {
    var window = SlidingWindow(limit: nil, length: .seconds(60), guardMargin: .zero)
    for index in 0..<200_000 {
      _ = window.reserve(1, at: MonotonicInstant(nanoseconds: Int64(index) * 300_000))
    }
    #expect(window.used == 200_000)
    #expect(window.entryCount <= 2 * SlidingWindow.exactEntriesMax + 1)
    window.limit = 150_000
    window.advance(to: at(90))
    // Nothing is forgotten early: 100,000 are younger than a minute.
    #expect(window.used >= 100_000 && window.used <= 100_020)
  }

  @Test func `the largest amounts do not overflow`() {
    var window = SlidingWindow(limit: .max, length: .seconds(60), guardMargin: .zero)
    for _ in 0..<100 { _ = window.reserve(.max, at: at(0)) }
    #expect(window.used == 100 * SlidingWindow.amountMax)
    window.advance(to: MonotonicInstant(nanoseconds: .max))
    #expect(window.used == 0)
    #expect(
      MonotonicInstant(nanoseconds: .max) + .seconds(1) == MonotonicInstant(nanoseconds: .max))
  }

  @Test func `time that goes back stands still`() {
    var window = SlidingWindow(limit: 1, length: .seconds(60), guardMargin: .zero)
    _ = window.reserve(1, at: at(100))
    window.advance(to: at(5))
    #expect(!window.fits(1) && window.firstFit(1) == at(160))
  }
}
