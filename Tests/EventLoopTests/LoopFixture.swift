import EventLoop
import Glibc
import Locking
import Testing

/// Runs `body` with a loop on a thread of its own, and waits for the loop's end afterwards.
@discardableResult
func withLoop<R>(
  _ name: String = "test", limits: EventLoopLimits = EventLoopLimits(),
  _ body: (EventLoop) async throws -> R
) async throws -> R {
  let loop = try EventLoop(name: name, limits: limits)
  try loop.start()
  do {
    let result = try await body(loop)
    await end(loop)
    return result
  } catch {
    await end(loop)
    throw error
  }
}

/// Stops `loop` and waits for it without holding a thread of the pool.
func end(_ loop: EventLoop) async {
  loop.stop()
  await withCheckedContinuation { continuation in
    let thread = BlockingThread { continuation.resume() }
    thread.run { loop.join() }
  }
}

/// A thread for one blocking call of a test.
struct BlockingThread {
  let done: @Sendable () -> Void

  func run(_ body: @escaping @Sendable () -> Void) {
    let box = unsafe Unmanaged.passRetained(
      Box {
        body()
        done()
      })
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let box = unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
        box.body()
        return nil
      }, box.toOpaque())
    precondition(status == 0)
    pthread_detach(thread)
  }

  private final class Box {
    let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }
  }
}

extension EventLoop {
  /// Runs `body` on the loop's thread and returns what it returned.
  func perform<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    let result: Result<R, any Error> = await withCheckedContinuation { continuation in
      execute { continuation.resume(returning: Result { try body() }) }
    }
    return try result.get()
  }

  /// Polls `condition` on the loop's thread until it holds; an issue when it does not in time.
  func wait(
    _ what: Comment, seconds: Int = 20, sourceLocation: SourceLocation = #_sourceLocation,
    until condition: @escaping @Sendable () -> Bool
  ) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
      if try await perform(condition) { return }
      try await sleep(for: .milliseconds(2))
    }
    Issue.record(what, sourceLocation: sourceLocation)
    throw WaitedInVain()
  }
}

struct WaitedInVain: Error {}

/// A value for any thread.
final class Shelf<Value: Sendable>: Sendable {
  private let stored: Lock<Value>

  init(_ value: Value) { stored = Lock(value) }

  var value: Value {
    get { stored.withLock { $0 } }
    set { change { $0 = newValue } }
  }

  func change(_ body: (inout Value) -> Void) { stored.withLock { body(&$0) } }
}

extension Shelf {
  func append<Element: Sendable>(_ element: Element) where Value == [Element] {
    change { $0.append(element) }
  }
}

/// Keeps what belongs to one loop's thread where a test can pass it back to that thread.
final class OnLoop<Value>: @unchecked Sendable {
  // Sendable because the test touches `value` inside `perform` only.
  var value: Value

  init(_ value: Value) { self.value = value }
}
