import Faults
import Glibc
import Machine
import Supervisor
import Testing

@Suite struct RunDirectoryTests {
  private func scratch(_ body: (RunDirectory) throws -> Void) throws {
    let top = "/tmp/assay-run-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try Files.makeDirectory(top)
    defer { try? Files.removeTree(top) }
    try body(RunDirectory(path: "\(top)/p", dataPath: "\(top)/p/data"))
  }

  private let user = Processes.ownUser

  @Test func `a prepared directory is private, and clearing it leaves nothing`() throws {
    try scratch { run in
      try run.prepare(user: user)
      #expect(Files.facts(of: run.path)?.mode == 0o700)
      #expect(Files.entries(of: run.path) == ["logs", "tmp", "v"])
      try Files.replace(run.log(of: "a-1"), with: "x")
      try Files.makeDirectories(run.volume("sockets"))
      try Files.makeDirectories(run.data("empty"))
      try run.clear()
      #expect(Files.facts(of: run.path) == nil)
    }
  }

  @Test func `data stays until it is told to go`() throws {
    try scratch { run in
      try run.prepare(user: user)
      try Files.makeDirectories(run.data("facts"))
      try Files.replace(run.data("facts") + "/db", with: "x")
      try run.clear()
      #expect(Files.entries(of: run.path) == ["data"])
      try run.prepare(user: user)
      try run.clear(includingData: true)
      #expect(Files.facts(of: run.path) == nil)
    }
  }

  @Test func `a directory with something else in it is refused, and never emptied`() throws {
    try scratch { run in
      try Files.makeDirectory(run.path)
      try Files.replace("\(run.path)/thesis.txt", with: "x")
      let fault = #expect(throws: Fault.self) { try run.prepare(user: user) }
      #expect(fault?.message == "\(run.path) holds thesis.txt, which is not of a mesh.")
      try run.clear(includingData: true)
      #expect(Files.entries(of: run.path) == ["thesis.txt"])
    }
  }

  @Test func `a directory that others can enter is refused with the remedy`() throws {
    try scratch { run in
      try Files.makeDirectory(run.path)
      #expect(unsafe chmod(run.path, 0o755) == 0)
      let fault = #expect(throws: Fault.self) { try run.prepare(user: user) }
      #expect(fault?.hint == "chmod 700 \(run.path)")
    }
  }

  @Test func `somebody else's directory or a link is refused`() throws {
    try scratch { run in
      let stranger = #expect(throws: Fault.self) { try run.prepare(user: user + 1) }
      #expect(stranger?.code == .permissionDenied)
      try run.clear()
      #expect(unsafe symlink("/tmp", run.path) == 0)
      #expect(throws: Fault.self) { try run.prepare(user: user) }
      try Files.remove(run.path)
    }
  }
}
