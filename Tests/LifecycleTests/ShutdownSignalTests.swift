import Lifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ShutdownSignalTests {
  @Test func `waiting ends when the signal is given`() async {
    let signal = ShutdownSignal()
    async let waited: Void = signal.wait()
    #expect(!signal.isRequested)
    signal.request()
    await waited
    #expect(signal.isRequested)
    signal.request()
    await signal.wait()
  }

  @Test func `waiting ends when the task is cancelled`() async {
    let signal = ShutdownSignal()
    let task = Task { await signal.wait() }
    task.cancel()
    await task.value
    #expect(!signal.isRequested)
    let late = Task {
      await signal.wait()
      await signal.wait()
    }
    late.cancel()
    await late.value
  }

  @Test func `no waiter is lost between request and cancellation`() async {
    for _ in 0..<500 {
      let signal = ShutdownSignal()
      await withTaskGroup { group in
        for _ in 0..<4 { group.addTask { await signal.wait() } }
        group.addTask { signal.request() }
        group.cancelAll()
      }
    }
  }

  @Test func `a handler is called once, and only while its operation runs`() async {
    let calls = Atomic<Int>(0)
    let signal = ShutdownSignal()
    await signal.withHandler({ calls.add(100, ordering: .relaxed) }) {}
    await signal.withHandler({ calls.add(1, ordering: .relaxed) }) {
      signal.request()
      signal.request()
    }
    #expect(calls.load(ordering: .relaxed) == 1)
    await signal.withHandler({ calls.add(10, ordering: .relaxed) }) {}
    #expect(calls.load(ordering: .relaxed) == 11)
  }

  @Test func `outside of a lifecycle there is no signal`() {
    #expect(ShutdownSignal.current == nil)
  }
}
