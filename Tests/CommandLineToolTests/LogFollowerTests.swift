import Glibc
import Machine
import Testing

@testable import CommandLineTool

@Suite struct LogFollowerTests {
  private let path = "/tmp/assay-follow-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).log"

  @Test func `lines come once, whole, and in order`() throws {
    defer { try? Files.remove(path) }
    let file = try OpenFile(path, for: .append)
    try file.write("one\ntwo\nthr")
    let follower = LogFollower(instance: "a-1", path: path)
    #expect(follower.lastLines(1) == ["two"])
    #expect(follower.newLines() == [])
    try file.write("ee\nfour\n")
    #expect(follower.newLines() == ["three", "four"])
    #expect(follower.newLines() == [])
  }

  @Test func `a log that begins anew is followed from its beginning`() throws {
    defer { try? Files.remove(path) }
    try Files.replace(path, with: "a long first line\n")
    let follower = LogFollower(instance: "a-1", path: path)
    #expect(follower.lastLines(10) == ["a long first line"])
    try Files.replace(path, with: "new\n")
    #expect(follower.newLines() == ["new"])
  }

  @Test func `no lines are asked for, none are shown; no file is no lines`() throws {
    defer { try? Files.remove(path) }
    let none = LogFollower(instance: "a-1", path: path)
    #expect(none.lastLines(5) == [])
    try Files.replace(path, with: "x\n")
    #expect(none.newLines() == ["x"])
    #expect(LogFollower(instance: "a-1", path: path).lastLines(0) == [])
  }
}
