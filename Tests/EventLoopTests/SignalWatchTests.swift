import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct SignalWatchTests {
  @Test func `a signal is delivered to each loop that watches it until it closes`() async throws {
    try await withLoop("a") { a in
      let b = try EventLoop(name: "b")
      try b.start()
      let seen = (Shelf(0), Shelf(0))
      let first = try await a.perform {
        OnLoop(try SignalWatch(SIGUSR1, on: a) { seen.0.change { $0 += 1 } })
      }
      _ = try await b.perform {
        OnLoop(try SignalWatch(SIGUSR1, on: b) { seen.1.change { $0 += 1 } })
      }
      kill(getpid(), SIGUSR1)
      try await a.wait("both saw it") { seen.0.value == 1 && seen.1.value == 1 }
      try await a.perform { first.value.close() }
      kill(getpid(), SIGUSR1)
      try await b.wait("the other saw it") { seen.1.value == 2 }
      #expect(seen.0.value == 1)
      await end(b)
    }
  }

  @Test func `a signal that cannot be watched is refused`() async throws {
    try await withLoop { loop in
      await #expect(throws: EventLoopError.self) {
        try await loop.perform { _ = try SignalWatch(SIGKILL, on: loop) {} }
      }
    }
  }
}

extension EventLoop {
  func watch(_ path: String, _ changes: Shelf<Int>) async throws -> OnLoop<DirectoryWatch?> {
    try await perform {
      OnLoop(
        DirectoryWatch(path: path, on: self, lookInterval: .milliseconds(20)) {
          changes.change { $0 += 1 }
        })
    }
  }
}
