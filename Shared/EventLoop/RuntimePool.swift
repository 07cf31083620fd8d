/// The thread pool of Swift's runtime: where a task runs that prefers no loop.
package enum RuntimePool {
  /// Makes the pool open its descriptors (an epoll, an eventfd, a timer); returns when it has.
  ///
  /// The pool opens them with its first task, and ends the process with SIGILL when the descriptor
  /// table is full by then. A service opens it before its first connection, so that no peer can
  /// bring that about. Blocks the calling thread, which must be neither a loop's nor the pool's.
  package static func open() {
    let isOpen = Monitor(false)
    Task.detached {
      isOpen.withLock { $0 = true }
      isOpen.broadcast()
    }
    isOpen.wait { $0 ? $0 : nil }
  }
}
