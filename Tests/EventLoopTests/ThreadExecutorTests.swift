import EventLoop
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ThreadExecutorTests {
  @Test func `an actor on a thread executor runs on that one thread, in turn`() async throws {
    let ledger = try Ledger()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 { group.addTask { await ledger.add() } }
    }
    #expect(await ledger.count == 200)
    #expect(await ledger.threads.count == 1)
    #expect(await ledger.isHome)
  }

  @Test func `its blocking does not hold the others`() async throws {
    let gate = Gate()
    let ledger = try Ledger()
    let blocked = Task { await ledger.block(on: gate) }
    let other = try Ledger()
    await other.add()
    #expect(await other.count == 1)
    gate.open()
    await blocked.value
  }

  @Test func `the thread ends with its executor`() async throws {
    let name = "el-ends-\(getpid() % 1000)"
    do {
      let ledger = try Ledger(name: name)
      await ledger.add()
      #expect(threadNames().contains(name))
    }
    let deadline = ContinuousClock.now + .seconds(20)
    while threadNames().contains(name) && ContinuousClock.now < deadline { await Task.yield() }
    #expect(!threadNames().contains(name))
  }
}

private actor Ledger {
  private let executor: ThreadExecutor
  private(set) var count = 0
  private(set) var threads: Set<UInt> = []

  init(name: String = "ledger") throws(EventLoopError) {
    executor = try ThreadExecutor(name: name)
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  var isHome: Bool { executor.isCurrent }

  func add() {
    count += 1
    threads.insert(pthread_self())
  }

  func block(on gate: Gate) { gate.wait() }
}

/// Blocks threads of our own until it is opened.
final class Gate: Sendable {
  private let isOpen = Atomic(false)

  func open() { isOpen.store(true, ordering: .releasing) }

  func wait() {
    let end = ContinuousClock.now + .seconds(20)
    while !isOpen.load(ordering: .acquiring) && ContinuousClock.now < end { sched_yield() }
  }
}

/// Polls `condition` until it holds; an issue when it does not in time.
func eventually(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(20)
  while ContinuousClock.now < deadline {
    if try await condition() { return }
    await Task.yield()
  }
  Issue.record(what, sourceLocation: sourceLocation)
  throw WaitedInVain()
}

func threadNames() -> [String] {
  DirectoryWatch.entries(of: "/proc/self/task").map { thread in
    let file = unsafe open("/proc/self/task/\(thread)/comm", O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = unsafe read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
  }
}
