import CUV
import Glibc
import Synchronization

extension EventLoop {
  /// Runs the loop on the calling thread until `stop()`, closes all that is open on it, and
  /// returns. Once in a loop's life.
  package func run() {
    precondition(life.begin(), "An event loop runs once.")
    runToEnd()
  }

  /// Runs the loop on a thread of its own that bears its name; `join()` waits for its end.
  package func start() throws(EventLoopError) {
    precondition(life.begin(), "An event loop runs once.")
    do {
      try OwnThread.detach(name: name) { self.runToEnd() }
    } catch {
      runToEnd(after: .failure)
      throw error
    }
  }

  /// Asks the loop to end, from any thread; `run()` returns soon after.
  package func stop() {
    stopRequested.store(true, ordering: .releasing)
    inbox.withLock { inbox in
      guard inbox.isOpen else { return }
      unsafe uv_async_send(assay_wake(handles))
    }
  }

  /// Waits until the loop has ended; any thread but its own.
  package func join() {
    precondition(!isCurrent, "A loop cannot wait for its own end.")
    life.waitForEnd()
  }

  private enum Beginning { case ready, failure }

  private func runToEnd(after beginning: Beginning = .ready) {
    thread.store(pthread_self(), ordering: .releasing)
    if beginning == .ready && !stopRequested.load(ordering: .acquiring) {
      unsafe uv_run(assay_uv_loop(handles), UV_RUN_DEFAULT)
    }
    closeEverything()
    thread.store(Self.endedThread, ordering: .releasing)
    life.end()
  }

  func openOwnHandles() {
    let own = unsafe Unmanaged.passUnretained(self).toOpaque()
    let loop = unsafe assay_uv_loop(handles)
    unsafe uv_async_init(loop, assay_wake(handles)) { _ in }
    unsafe uv_prepare_init(loop, assay_prepare(handles))
    unsafe uv_check_init(loop, assay_check(handles))
    unsafe uv_idle_init(loop, assay_idle(handles))
    unsafe uv_timer_init(loop, assay_timer(handles))
    unsafe assay_prepare(handles).pointee.data = own
    unsafe assay_check(handles).pointee.data = own
    unsafe assay_timer(handles).pointee.data = own
    unsafe uv_prepare_start(assay_prepare(handles)) { handle in
      unsafe EventLoop.of(handle?.pointee.data)?.turn()
    }
    unsafe uv_check_start(assay_check(handles)) { handle in
      guard let loop = unsafe EventLoop.of(handle?.pointee.data) else { return }
      loop.checkInputStall()
      loop.turn()
    }
  }

  static func of(_ data: UnsafeMutableRawPointer?) -> EventLoop? {
    guard let data = unsafe data else { return nil }
    return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
  }

  /// Turns after the last handle is closed, for jobs that end because of it; a job that makes
  /// itself ready again for ever is dropped after them.
  private static var closingTurnsMax: Int { 1000 }

  /// Closes everything that is open and runs what becomes ready by it, within a bound.
  func closeEverything() {
    isClosing = true
    timers.cancelAll()
    for resource in Array(resources.values) { resource.loopIsStopping() }
    while !resources.isEmpty { unsafe uv_run(assay_uv_loop(handles), UV_RUN_ONCE) }
    runRest()
    inbox.withLock { $0.isOpen = false }
    // What came in at the last moment is still run: a sleeper among it must be told.
    runRest()
    closeOwnHandles()
  }

  private func runRest() {
    for _ in 0..<Self.closingTurnsMax {
      turn()
      if ready.isEmpty && !inboxWaiting.load(ordering: .acquiring) { return }
    }
  }

  private func closeOwnHandles() {
    unsafe uv_close(assay_handle(assay_wake(handles)), nil)
    unsafe uv_close(assay_handle(assay_prepare(handles)), nil)
    unsafe uv_close(assay_handle(assay_check(handles)), nil)
    unsafe uv_close(assay_handle(assay_idle(handles)), nil)
    unsafe uv_close(assay_handle(assay_timer(handles)), nil)
    unsafe uv_run(assay_uv_loop(handles), UV_RUN_DEFAULT)
    let status = unsafe uv_loop_close(assay_uv_loop(handles))
    precondition(status == 0, "A libuv handle was left open: a bug of this module.")
  }
}
