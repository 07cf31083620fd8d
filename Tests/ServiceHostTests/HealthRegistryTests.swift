import ServiceHost
import Testing

@Suite(.timeLimit(.minutes(1))) struct HealthRegistryTests {
  @Test func `every service starts as not serving, and the process with them`() {
    let registry = HealthRegistry(services: ["a.B"])
    #expect(registry.all == ["": .notServing, "a.B": .notServing])
    registry.set(.serving)
    #expect(registry.status(of: "") == .serving)
    #expect(registry.status(of: "a.B") == .serving)
    #expect(registry.status(of: "no.Such") == nil)
  }

  @Test func `a watcher gets the status now, each change, and the end`() async throws {
    let registry = HealthRegistry(services: ["a.B"])
    var statuses = try #require(registry.watch("a.B")).makeAsyncIterator()
    #expect(await statuses.next() == .some(.notServing))
    registry.set(.serving)
    #expect(await statuses.next() == .some(.serving))
    registry.close()
    #expect(await statuses.next() == .some(.notServing))
    #expect(await statuses.next() == nil)
  }

  @Test func `whoever watches an unknown service is told so, and waits`() async throws {
    let registry = HealthRegistry(services: [])
    var statuses = try #require(registry.watch("no.Such")).makeAsyncIterator()
    let first = await statuses.next()
    #expect(first == .some(nil))
    registry.set(.serving)
    registry.close()
    #expect(await statuses.next() == nil)
  }

  @Test func `a slow watcher sees the newest status, not a queue of old ones`() async throws {
    let registry = HealthRegistry(services: [])
    var statuses = try #require(registry.watch("")).makeAsyncIterator()
    for _ in 0..<1000 {
      registry.set(.serving)
      registry.set(.notServing)
    }
    registry.set(.serving)
    #expect(await statuses.next() == .some(.serving))
  }

  @Test func `watchers are limited, and leave room when they go`() throws {
    let registry = HealthRegistry(services: [])
    var watchers = (0..<HealthRegistry.watchersMax).map { _ in registry.watch("") }
    #expect(watchers.allSatisfy { $0 != nil })
    #expect(registry.watch("") == nil)
    watchers.removeAll()
    #expect(registry.watch("") != nil)
  }
}
