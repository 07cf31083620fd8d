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
