import EventLoop
import Glibc

/// Runs tasks on the runtime's pool in a process whose descriptor table is full.
enum FullTable {
  private static let descriptorsMax: rlim_t = 64

  /// Says so when they have run; without an open pool the process does not get that far.
  static func run(opensPool: Bool) {
    if opensPool { RuntimePool.open() }
    let limit = rlimit(rlim_cur: descriptorsMax, rlim_max: descriptorsMax)
    _ = unsafe withUnsafePointer(to: limit) { limit in
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), limit)
    }
    while fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) >= 0 {}
    let isFull = errno == EMFILE
    Task.detached {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<50 { group.addTask { await Task.yield() } }
      }
      print("{\"full\":\(isFull),\"tasks\":50}")
      exit(0)
    }
    while true { pause() }
  }
}
