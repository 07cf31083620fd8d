import JSON
import TestSupport
import Testing

@testable import SimulatorModel

/// What is read from a cache, and what is written.
@Suite struct PromptCacheTests {
  private let mark: JSONValue = ["type": "ephemeral"]
  private let second: UInt64 = 1_000_000_000

  @Test func `an entry is read once its writer's answer has begun, and not before`() throws {
    var cache = PromptCache()
    let request = try messages(system: 600, mark: mark)
    let writer = cache.plan(request, scope: "k", now: 0)
    #expect(writer.usage.cacheWrite5m == 603 && writer.usage.cacheRead == 0)
    let parallel = cache.plan(request, scope: "k", now: second)
    #expect(parallel.usage.cacheWrite5m == 603)
    cache.answerBegan(writer)
    let reader = cache.plan(request, scope: "k", now: 2 * second)
    #expect(reader.usage.cacheRead == 603 && reader.usage.cacheWrite5m == 0)
    #expect(reader.usage.input == 6)
    #expect(cache.plan(request, scope: "other", now: 2 * second).usage.cacheRead == 0)
  }

  @Test func `life is counted from the request's start, and anew with each hit`() throws {
    var cache = PromptCache()
    let request = try messages(system: 600, mark: mark)
    cache.answerBegan(cache.plan(request, scope: "k", now: 0))
    #expect(cache.plan(request, scope: "k", now: 299 * second).usage.cacheRead > 0)
    #expect(cache.plan(request, scope: "k", now: 598 * second).usage.cacheRead > 0)
    #expect(cache.plan(request, scope: "k", now: 898 * second).usage.cacheRead == 0)
  }

  @Test func `each segment is written at its own life, and nothing below the minimum`() throws {
    var cache = PromptCache()
    let hour: JSONValue = ["type": "ephemeral", "ttl": "1h"]
    func block(_ tokens: Int, _ mark: JSONValue) -> JSONValue {
      [
        "type": "text", "text": .string(String(repeating: "word", count: tokens)),
        "cache_control": mark,
      ]
    }
    let more: JSONObject = ["system": [block(100, hour), block(600, hour), block(50, mark)]]
    let plan = cache.plan(try messages(more: more), scope: "k", now: 0)
    #expect(plan.usage.cacheWrite1h == 703 && plan.usage.cacheWrite5m == 50)
    #expect(plan.usage.prompt == (try messages(more: more)).promptTokens)
    let small = cache.plan(try messages(system: 500, mark: mark), scope: "k", now: 0)
    #expect(small.usage.cacheWrite5m == 0 && small.usage.input == 509)
  }

  @Test func `whatever a cache holds, the kinds add up to the prompt`() throws {
    var random = SeededRandom("cache sums")
    var cache = PromptCache()
    let models = ["claude-opus-5", "gpt-5.6-luna", "gpt-5"]
    for step in 0..<2000 {
      let count = Int.random(in: 1...3000, using: &random)
      let model = models[Int.random(in: 0..<3, using: &random)]
      let request =
        model.hasPrefix("claude")
        ? try messages(system: count, mark: step.isMultiple(of: 2) ? mark : nil)
        : try chat(String(repeating: "word", count: count) + "\(step % 3)", model: model)
      let plan = cache.plan(request, scope: "k", now: UInt64(step) * second)
      #expect(plan.usage.prompt == request.promptTokens)
      #expect(plan.usage.input >= 0 && plan.usage.cacheWrite >= 0)
      if Bool.random(using: &random) { cache.answerBegan(plan) }
    }
  }

  @Test func `OpenAI reads in steps of 128 from 1,024 on, up to the first byte that differs`()
    throws
  {
    var cache = PromptCache()
    let shared = String(repeating: "word", count: 1500)
    cache.answerBegan(cache.plan(try chat(shared + "a"), scope: "k", now: 0))
    let plan = cache.plan(try chat(shared + "b", model: "gpt-5.6-luna"), scope: "k", now: 1)
    #expect(plan.usage.cacheRead == 1408)
    let short = String(repeating: "word", count: 1000)
    #expect(cache.plan(try chat(short), scope: "k", now: 1).usage.cacheRead == 0)
    let early = "x" + shared
    #expect(cache.plan(try chat(early), scope: "k", now: 1).usage.cacheRead == 0)
  }
}
