import GatewayPacing
import GatewayPrompts
import GatewayProviders
import GatewayValues
import Testing

/// Where a mark pays, who writes and who waits.
@Suite struct PromptPlannerTests {
  @Test func `a mark is made only where the reads that are expected pay for the write`() {
    let world = PromptWorld()
    // Alone, nothing is marked.
    let alone = world.go(world.call("alone"))
    #expect(alone.marks.isEmpty && !alone.isLeader && alone.writePredicted == 0)
    world.end(alone, PromptUse(read: 0, written: 0))
    // With one more to come, a short life pays and a long one does not.
    let leader = world.go(world.call("doc", reuses: 1))
    #expect(leader.marks == [1: .short] && leader.isLeader)
    #expect(PromptWorld.rules.pays(.short, reads: 1) && !PromptWorld.rules.pays(.short, reads: 0))
    #expect(PromptWorld.rules.pays(.long, reads: 2) && !PromptWorld.rules.pays(.long, reads: 1))
    // A provider whose reads cost what anything costs is never asked to keep anything.
    var dear = PromptWorld.rules
    dear.price.cacheRead = dear.price.input
    #expect(!dear.pays(.short, reads: 1_000))
  }

  @Test func `one writes, the others wait for it and then read`() {
    let world = PromptWorld()
    let leader = world.go(world.call("doc", reuses: 9))
    #expect(leader.readPredicted == 0 && leader.writePredicted > 4_000)
    #expect(world.plan(world.call("doc", reuses: 8)) == .wait(behind: leader.id))
    // Of another product, or by another key, it is another prefix.
    #expect(world.go(world.call("doc", reuses: 8, product: "other")).isLeader)
    #expect(world.go(world.call("doc", reuses: 8, key: "sim/second")).isLeader)
    #expect(world.began(leader))
    let follower = world.go(world.call("doc", reuses: 8))
    #expect(!follower.isLeader && follower.readPredicted == leader.writePredicted)
    #expect(follower.marks == [1: .short] && follower.writePredicted == 0)
    // The bill knows better than any guess.
    world.end(leader, PromptUse(read: 0, written: 5_432))
    #expect(world.go(world.call("doc", reuses: 0)).readPredicted == 5_432)
    #expect(world.planner.flightCount == 4)
  }

  @Test func `when the one that writes fails, the next takes its place`() {
    let world = PromptWorld()
    let leader = world.go(world.call("doc", reuses: 9))
    #expect(world.fail(leader))
    let next = world.go(world.call("doc", reuses: 8))
    #expect(next.isLeader)
    #expect(world.plan(world.call("doc", reuses: 7)) == .wait(behind: next.id))
    // What had begun to be answered is written, whatever became of its end.
    #expect(world.began(next) && world.fail(next))
    #expect(world.go(world.call("doc", reuses: 7)).readPredicted > 0)
  }

  @Test func `who has waited enough goes on alone and writes nothing`() {
    let world = PromptWorld()
    _ = world.go(world.call("doc", reuses: 9))
    let late = world.go(world.call("doc", reuses: 8, mayWait: false))
    #expect(!late.isLeader && late.marks.isEmpty && late.readPredicted == 0)
  }

  @Test func `what was not kept is not waited for again`() {
    let world = PromptWorld()
    world.end(world.go(world.call("doc", reuses: 9)), PromptUse(read: 0, written: 0))
    let next = world.go(world.call("doc", reuses: 8))
    #expect(next.marks.isEmpty && !next.isLeader && next.readPredicted == 0)
    world.pass(.seconds(301))
    #expect(world.go(world.call("doc", reuses: 8)).isLeader)
  }

  @Test func `what is not read any more is written anew, and its life ends in time`() {
    let world = PromptWorld()
    world.end(world.go(world.call("doc", reuses: 9)), PromptUse(read: 0, written: 5_000))
    world.pass(.seconds(290))
    let reader = world.go(world.call("doc", reuses: 8))
    #expect(reader.readPredicted == 5_000)
    // A read begins its life anew.
    world.end(reader, PromptUse(read: 5_000, written: 0))
    world.pass(.seconds(290))
    let second = world.go(world.call("doc", reuses: 7))
    #expect(second.readPredicted == 5_000)
    world.end(second, PromptUse(read: 0, written: 0))
    #expect(world.go(world.call("doc", reuses: 6)).isLeader)
    world.pass(.seconds(600))
    #expect(world.go(world.call("doc", reuses: 6, mayWait: false)).readPredicted == 0)
  }

  @Test func `without a word of the caller's, what came twice is expected to come again`() {
    let world = PromptWorld()
    let first = world.go(world.call("doc"))
    #expect(first.marks.isEmpty)
    let second = world.go(world.call("doc"))
    #expect(second.marks == [1: .short] && second.isLeader)
    #expect(world.plan(world.call("doc")) == .wait(behind: second.id))
  }

  @Test func `a prefix that returns late and often is kept for an hour`() {
    let world = PromptWorld()
    for _ in 0..<3 {
      world.end(world.go(world.call("doc")), PromptUse(read: 0, written: 0))
      world.pass(.seconds(900))
    }
    #expect(world.go(world.call("doc")).marks == [1: .long])
  }

  @Test func `a system prompt that two documents share is written once`() {
    let world = PromptWorld(systemBytes: 40_000)
    let first = world.go(world.marked("one", reuses: 4))
    #expect(first.marks == [0: .short, 1: .short])
    // The other document waits for the system prompt alone, then writes the rest.
    #expect(world.plan(world.marked("two", reuses: 4)) == .wait(behind: first.id))
    #expect(world.began(first, PromptUse(read: 0, written: 15_000)))
    let second = world.go(world.marked("two", reuses: 4))
    #expect(second.isLeader && second.readPredicted > 9_000 && second.readPredicted < 11_000)
    #expect(second.writePredicted > 4_000 && second.marks == [0: .short, 1: .short])
  }

  @Test func `never more marks than a provider takes, and the longest prefixes`() {
    let world = PromptWorld()
    var call = ModelCall(
      blocks: (0..<8).map { index in
        ModelCall.Block(
          .user, .text(String(repeating: "\(index)", count: 20_000)), isCacheBreakpoint: true)
      })
    call.blocks.append(ModelCall.Block(.user, .text("and?")))
    let plan = world.go(world.request(call, reuses: 3))
    #expect(plan.marks.keys.sorted() == [4, 5, 6, 7])
  }

  @Test func `what is too short to be kept is neither marked nor waited for`() {
    let world = PromptWorld(documentBytes: 4_000)
    for _ in 0..<3 {
      let plan = world.go(world.call("doc", reuses: 9))
      #expect(plan.marks.isEmpty && !plan.isLeader)
    }
  }

  @Test func `no more prefixes are remembered than may be`() {
    let world = PromptWorld()
    for index in 0..<(PromptLimits.prefixesMax) {
      world.pass(.milliseconds(1))
      _ = world.plan(world.call("document \(index)"))
    }
    #expect(world.planner.prefixCount <= PromptLimits.prefixesMax)
  }
}

/// A planner with a clock, and calls about documents.
final class PromptWorld {
  var planner = PromptPlanner()
  private(set) var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
  let systemBytes: Int
  let documentBytes: Int

  static let rules = PromptRules(
    tokensMin: 4_096,
    price: ModelPrice(
      input: NanoDollars(1_000_000_000), output: NanoDollars(5_000_000_000),
      cacheRead: NanoDollars(100_000_000), cacheWriteShort: NanoDollars(1_250_000_000),
      cacheWriteLong: NanoDollars(2_000_000_000)), takesMarks: true, takesKey: false)

  init(systemBytes: Int = 100, documentBytes: Int = 20_000) {
    self.systemBytes = systemBytes
    self.documentBytes = documentBytes
  }

  func pass(_ time: Duration) { now = now + time }

  func call(
    _ document: String, reuses: Int64 = 0, product: String = "demo", key: String = "sim/main",
    mayWait: Bool = true
  ) -> PromptPlanner.Request {
    let asked = blocks(document, isMarked: false)
    return request(asked, reuses, product, key, mayWait)
  }

  /// The same with the caller's marks behind the system prompt and the document.
  func marked(_ document: String, reuses: Int64) -> PromptPlanner.Request {
    let asked = blocks(document, isMarked: true)
    return request(asked, reuses: reuses)
  }

  private var questions = 0

  private func blocks(_ document: String, isMarked: Bool) -> ModelCall {
    questions += 1
    return ModelCall(blocks: [
      .init(
        .system, .text(String(repeating: "s", count: systemBytes)), isCacheBreakpoint: isMarked),
      .init(
        .user, .text(String((document + " ").repeated(to: documentBytes))),
        isCacheBreakpoint: isMarked),
      .init(.user, .text("question \(questions)")),
    ])
  }

  func request(_ call: ModelCall, reuses: Int64) -> PromptPlanner.Request {
    request(call, reuses, "demo", "sim/main", true)
  }

  private func request(
    _ call: ModelCall, _ reuses: Int64, _ product: String, _ key: String, _ mayWait: Bool
  ) -> PromptPlanner.Request {
    let outline = PromptOutline(call, media: [], model: "m")
    let scope = PromptPlanner.Scope(product: product, key: key)
    planner.see(outline, scope, at: now)
    return PromptPlanner.Request(outline, Self.rules, scope, reuses: reuses, mayWait: mayWait)
  }

  func plan(_ request: PromptPlanner.Request) -> PromptDecision {
    planner.plan(request, at: now)
  }

  /// The plan of a call that goes; one that should, and waits, is a failure, and goes alone.
  func go(_ request: PromptPlanner.Request) -> PromptPlan {
    if case .go(let plan) = planner.plan(request, at: now) { return plan }
    Issue.record("it waits")
    var alone = request
    alone.mayWait = false
    return go(alone)
  }

  func began(_ plan: PromptPlan, _ use: PromptUse? = nil) -> Bool {
    planner.began(plan.id, use: use, at: now)
  }

  func fail(_ plan: PromptPlan) -> Bool { planner.ended(plan.id, use: nil, at: now) }

  func end(_ plan: PromptPlan, _ use: PromptUse) {
    _ = planner.ended(plan.id, use: use, at: now)
  }
}

extension String {
  fileprivate func repeated(to count: Int) -> Substring {
    String(repeating: self, count: count / utf8.count + 1).prefix(count)
  }
}
