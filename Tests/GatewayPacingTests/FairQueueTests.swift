import GatewayPacing
import TestSupport
import Testing

@Suite struct FairQueueTests {
  private func ask(
    _ id: UInt64, _ product: Int, run: String = "", tokens: Int64 = 100,
    priority: CallPriority = .batch, since: Double = 0
  ) -> FairQueue.Ask {
    FairQueue.Ask(
      id: id, product: product, run: run, priority: priority, tokens: tokens, since: at(since))
  }

  private func serve(_ queue: inout FairQueue, at seconds: Double = 0) -> FairQueue.Ask? {
    guard let slot = queue.first(at: at(seconds)) else { return nil }
    let ask = queue.ask(at: slot)
    queue.grant(slot)
    return ask
  }

  @Test func `products share by weight in tokens, not in calls`() {
    var random = SeededRandom("shares")
    for _ in 0..<50 {
      let weights = (0..<4).map { _ in Int.random(in: 1...8, using: &random) }
      let sizes = (0..<4).map { _ in Int64.random(in: 1...100_000, using: &random) }
      var queue = FairQueue()
      var id: UInt64 = 0
      for product in 0..<4 {
        queue.setWeight(weights[product], of: product)
        for _ in 0..<3 {
          id += 1
          _ = queue.push(ask(id, product, tokens: sizes[product]))
        }
      }
      var given = [Int64](repeating: 0, count: 4)
      for _ in 0..<20_000 {
        guard let served = serve(&queue) else { break }
        given[served.product] += served.tokens
        id += 1
        _ = queue.push(ask(id, served.product, tokens: served.tokens))
      }
      // Nobody is ever further ahead of another than by one call of each.
      for one in 0..<4 {
        for other in 0..<4 {
          let lead =
            Double(given[one]) / Double(weights[one]) - Double(given[other])
            / Double(weights[other])
          let bound =
            Double(sizes[one]) / Double(weights[one]) + Double(sizes[other])
            / Double(weights[other])
          #expect(lead <= bound + 1)
        }
      }
    }
  }

  @Test func `runs of a product share, and a run is first come, first served`() {
    var queue = FairQueue()
    for id in 1...30 { _ = queue.push(ask(UInt64(id), 0, run: "long")) }
    for id in 31...33 { _ = queue.push(ask(UInt64(id), 0, run: "short")) }
    let ids = (0..<6).compactMap { _ in serve(&queue)?.id }
    #expect(ids.filter { $0 > 30 } == [31, 32, 33])
    #expect(ids.filter { $0 <= 30 } == [1, 2, 3])
  }

  @Test func `who was away earns nothing and waits for nobody's past`() {
    var queue = FairQueue()
    for id in 1...50 { _ = queue.push(ask(UInt64(id), 0)) }
    for _ in 0..<40 { _ = serve(&queue) }
    for id in 101...150 { _ = queue.push(ask(UInt64(id), 1)) }
    let products = (0..<10).compactMap { _ in serve(&queue)?.product }
    #expect(products.filter { $0 == 1 }.count == 5)
    #expect(products.prefix(2).contains(1))
  }

  @Test func `batch gets every eighth turn, every second when it has waited long`() {
    var random = SeededRandom("turns")
    for _ in 0..<100 {
      var queue = FairQueue()
      var id: UInt64 = 0
      for _ in 0..<200 {
        id += 1
        _ = queue.push(
          ask(
            id, Int.random(in: 0..<3, using: &random), priority: id % 2 == 0 ? .batch : .interactive
          ))
      }
      let young = (0..<80).compactMap { _ in serve(&queue, at: 1)?.priority }
      #expect(young.enumerated().allSatisfy { ($0.offset % 8 == 7) == ($0.element == .batch) })
      let aged = (0..<40).compactMap { _ in serve(&queue, at: 11)?.priority }
      #expect(aged.filter { $0 == .batch }.count == 20)
      #expect(zip(aged, aged.dropFirst()).allSatisfy { $0 != $1 })
    }
  }

  @Test func `a call taken out leaves no trace`() {
    var random = SeededRandom("trace")
    for _ in 0..<200 {
      var queue = FairQueue()
      var without = FairQueue()
      var doomed: [FairQueue.Slot] = []
      for id in UInt64(1)...60 {
        let new = ask(
          id, Int.random(in: 0..<4, using: &random), run: "\(id % 5)",
          tokens: Int64.random(in: 1...500, using: &random),
          priority: Bool.random(using: &random) ? .batch : .interactive)
        let slot = queue.push(new)
        if Bool.random(using: &random) {
          doomed.append(slot)
        } else {
          _ = without.push(new)
        }
      }
      for slot in doomed.shuffled(using: &random) { queue.remove(slot) }
      #expect(queue.waiting == without.waiting && queue.count == without.count)
      while let left = serve(&queue) {
        // The same products in turn; who came first among equals may differ.
        check(serve(&without)?.priority == left.priority)
      }
      #expect(queue.isEmpty && without.isEmpty)
    }
  }
}
