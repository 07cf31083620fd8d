import Glibc
import Machine
import Testing

@Suite struct FilesTests {
  /// A directory of its own for one test, gone afterwards.
  private func scratch(_ body: (String) throws -> Void) throws {
    let path = "/tmp/assay-files-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try Files.makeDirectory(path)
    defer { try? Files.removeTree(path) }
    try body(path)
    try Files.removeTree(path)
    #expect(Files.facts(of: path) == nil)
  }

  @Test func `a replaced file holds the new bytes and leaves nothing beside it`() throws {
    try scratch { folder in
      let path = "\(folder)/a"
      try Files.replace(path, with: "one")
      try Files.replace(path, with: "two")
      #expect(try Files.readText(path) == "two")
      #expect(Files.entries(of: folder) == ["a"])
      #expect(Files.facts(of: path)?.mode == 0o600)
    }
  }

  @Test func `a file above the limit is refused and one at the limit is read`() throws {
    try scratch { folder in
      try Files.replace("\(folder)/a", with: "12345")
      #expect(try Files.read("\(folder)/a", bytesMax: 5).count == 5)
      #expect(throws: MachineError.self) { try Files.read("\(folder)/a", bytesMax: 4) }
    }
  }

  @Test func `the end of a file is what was written last`() throws {
    try scratch { folder in
      let file = try OpenFile("\(folder)/log", for: .append)
      try file.write("first\n")
      try file.write("last\n")
      #expect(try Files.readEnd(of: "\(folder)/log", count: 5) == Array("last\n".utf8))
      #expect(try Files.readEnd(of: "\(folder)/log", count: 500).count == 11)
      #expect(file.byteCount == 11)
    }
  }

  @Test func `removing a tree does not follow links out of it`() throws {
    try scratch { folder in
      try Files.makeDirectories("\(folder)/keep/inner")
      try Files.replace("\(folder)/keep/inner/file", with: "x")
      try Files.makeDirectories("\(folder)/gone/deep/er")
      #expect(unsafe symlink("\(folder)/keep", "\(folder)/gone/deep/link") == 0)
      try Files.removeTree("\(folder)/gone")
      #expect(Files.entries(of: folder) == ["keep"])
      #expect(try Files.readText("\(folder)/keep/inner/file") == "x")
    }
  }

  @Test func `a tree deeper than the limit is refused`() throws {
    try scratch { folder in
      let deep = folder + String(repeating: "/d", count: MachineLimits.removalDepthMax + 1)
      try Files.makeDirectories(deep)
      #expect(throws: MachineError.self) { try Files.removeTree(folder) }
      // Two removals take it away in parts.
      try Files.removeTree(folder + "/d/d")
    }
  }

  @Test func `what is not there is nothing, and removing it is no error`() throws {
    #expect(Files.facts(of: "/nowhere/at/all") == nil)
    #expect(Files.entries(of: "/nowhere") == [])
    try Files.remove("/nowhere/at/all")
    #expect(throws: MachineError("read", "/nowhere", errno: ENOENT)) {
      try Files.read("/nowhere")
    }
  }

  @Test func `a path with a NUL names nothing instead of being cut`() {
    #expect(Files.facts(of: "/tmp\0/x") == nil)
    #expect(throws: MachineError.self) { try Files.makeDirectory("/tmp/assay-cut\0tail") }
    #expect(Files.facts(of: "/tmp/assay-cut") == nil)
  }

  @Test func `links and kinds are told apart`() throws {
    try scratch { folder in
      #expect(unsafe symlink("/bin/sh", "\(folder)/link") == 0)
      #expect(Files.facts(of: "\(folder)/link")?.kind == .link)
      #expect(Files.facts(of: "\(folder)/link", followingLinks: true)?.kind == .file)
      #expect(Files.target(ofLink: "\(folder)/link") == "/bin/sh")
      #expect(Files.isExecutable("\(folder)/link"))
      #expect(!Files.isExecutable(folder))
    }
  }

  @Test func `an open file knows whether its path still leads to it`() throws {
    try scratch { folder in
      let path = "\(folder)/lock"
      let file = try OpenFile(path, for: .lock)
      let isThere = file.isAtItsPath
      #expect(isThere)
      try Files.remove(path)
      let isGone = !file.isAtItsPath
      #expect(isGone)
      let newer = try OpenFile(path, for: .lock)
      let isReplaced = !file.isAtItsPath
      #expect(isReplaced)
      let isNewerThere = newer.isAtItsPath
      #expect(isNewerThere)
    }
  }

  @Test func `only one holder has a lock, and the lock ends with it`() throws {
    try scratch { folder in
      let path = "\(folder)/lock"
      do {
        let first = try OpenFile(path, for: .lock)
        #expect(try first.lock())
        let second = try OpenFile(path, for: .lock)
        #expect(try !second.lock())
      }
      let third = try OpenFile(path, for: .lock)
      #expect(try third.lock())
    }
  }
}
