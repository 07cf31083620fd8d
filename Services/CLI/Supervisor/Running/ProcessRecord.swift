import EventLoop
import Glibc
import Machine

/// The processes of a mesh on disk, so that they can be ended when their supervisor did not.
struct ProcessRecord: Equatable, Sendable {
  struct Entry: Equatable, Sendable {
    let pid: Int32
    /// Tells this process from a later one with the same number.
    let startTime: UInt64
    let name: String
  }

  var entries: [Entry] = []

  /// Of processes that run now; those that are gone already are left out.
  init(pids: [(pid: Int32, name: String)]) {
    entries = pids.compactMap { pid, name in
      Processes.facts(of: pid).map { Entry(pid: pid, startTime: $0.startTime, name: name) }
    }
  }

  /// Lines that are not understood are left out.
  init(parsing text: String) {
    entries = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, let pid = Int32(words[0]), pid > 1, let start = UInt64(words[1])
      else { return nil }
      return Entry(pid: pid, startTime: start, name: String(words[2]))
    }
  }

  var text: String {
    entries.map { "\($0.pid) \($0.startTime) \($0.name)\n" }.joined()
  }

  /// Those that still run.
  var alive: [Entry] {
    entries.filter { Processes.isRunning($0.pid, startTime: $0.startTime) }
  }

  /// Ends those that still run: asked first, killed after `grace`. Answers their names.
  func end(within grace: Duration, on loop: EventLoop) async -> [String] {
    let found = alive
    for entry in found { Processes.signal(entry.pid, SIGTERM) }
    let deadline = loop.nowNanoseconds + UInt64(grace / .nanoseconds(1))
    while !alive.isEmpty, loop.nowNanoseconds < deadline {
      guard (try? await loop.sleep(for: .milliseconds(20))) != nil else { break }
    }
    for entry in alive { Processes.signal(entry.pid, SIGKILL) }
    while !alive.isEmpty, loop.nowNanoseconds < deadline + 1_000_000_000 {
      guard (try? await loop.sleep(for: .milliseconds(5))) != nil else { break }
    }
    return found.map(\.name)
  }
}
