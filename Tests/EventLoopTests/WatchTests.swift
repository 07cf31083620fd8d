import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct DirectoryWatchTests {
  @Test func `creating, renaming and deleting are seen`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let changes = Shelf(0)
      let watch = try await loop.watch(scratch.directory, changes)
      scratch.write("", to: "a.tmp")
      try await loop.wait("created") { changes.value > 0 }
      let afterCreate = changes.value
      unsafe rename(scratch.path("a.tmp"), scratch.path("a.sock"))
      try await loop.wait("renamed") { changes.value > afterCreate }
      #expect(DirectoryWatch.entries(of: scratch.directory, suffix: ".sock") == ["a.sock"])
      let afterRename = changes.value
      unsafe unlink(scratch.path("a.sock"))
      try await loop.wait("deleted") { changes.value > afterRename }
      #expect(DirectoryWatch.entries(of: scratch.directory) == [])
      try await loop.perform { watch.value?.close() }
      let afterClose = changes.value
      scratch.write("", to: "b")
      try await loop.sleep(for: .milliseconds(50))
      #expect(changes.value == afterClose)
    }
  }

  @Test func `a directory that appears later is found, and again after its removal`() async throws {
    let scratch = try Scratch()
    let path = scratch.path("later")
    try await withLoop { loop in
      let changes = Shelf(0)
      _ = try await loop.watch(path, changes)
      #expect(DirectoryWatch.entries(of: path) == [])
      try await loop.sleep(for: .milliseconds(60))
      #expect(changes.value == 0)
      for _ in 0..<2 {
        let before = changes.value
        unsafe mkdir(path, 0o700)
        try await loop.wait("appeared") { changes.value > before }
        let afterAppearing = changes.value
        scratch.write("", to: "later/x")
        try await loop.wait("a file in it") { changes.value > afterAppearing }
        let beforeRemoval = changes.value
        unsafe unlink("\(path)/x")
        unsafe rmdir(path)
        try await loop.wait("removed") { changes.value > beforeRemoval }
      }
    }
  }

  @Test func `a directory replaced by another of the same name is followed`() async throws {
    let scratch = try Scratch()
    unsafe mkdir(scratch.path("d"), 0o700)
    unsafe mkdir(scratch.path("next"), 0o700)
    try await withLoop { loop in
      let changes = Shelf(0)
      _ = try await loop.watch(scratch.path("d"), changes)
      unsafe rename(scratch.path("d"), scratch.path("old"))
      unsafe rename(scratch.path("next"), scratch.path("d"))
      try await loop.wait("replaced") { changes.value > 0 }
      try await loop.sleep(for: .milliseconds(40))
      let before = changes.value
      scratch.write("", to: "d/new.sock")
      try await loop.wait("seen in the new one") { changes.value > before }
    }
  }

  @Test func `a burst within one turn is one change`() async throws {
    let scratch = try Scratch()
    try await withLoop { loop in
      let changes = Shelf(0)
      _ = try await loop.watch(scratch.directory, changes)
      try await loop.perform {
        for number in 0..<100 { scratch.write("", to: "\(number)") }
      }
      try await loop.wait("seen") { changes.value > 0 }
      try await loop.sleep(for: .milliseconds(30))
      #expect(changes.value < 10)
      #expect(DirectoryWatch.entries(of: scratch.directory).count == 100)
    }
  }
}

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
