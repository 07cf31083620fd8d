import Glibc
import Testing

@testable import Machine

@Suite struct ProcessesTests {
  @Test func `this process is found, with its parent and its memory`() throws {
    let facts = try #require(Processes.facts(of: Processes.own))
    #expect(facts.parent == getppid())
    #expect(facts.threadCount > 0)
    #expect(facts.residentByteCount > 1 << 20)
    #expect(Processes.isRunning(Processes.own, startTime: facts.startTime))
    #expect(!Processes.isRunning(Processes.own, startTime: facts.startTime + 1))
    #expect(Processes.ownExecutable?.hasPrefix("/") == true)
    #expect(!Processes.arguments(of: Processes.own).isEmpty)
  }

  @Test func `a name with blanks and parentheses does not shift the fields`() {
    let tail = "S 7 1 1 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 4242 1000 10 18446744073709551615"
    let facts = Processes.facts(of: 9, stat: "9 (a) R (b c) \(tail)\n")
    #expect(facts?.parent == 7)
    #expect(facts?.state == "S")
    #expect(facts?.threadCount == 3)
    #expect(facts?.startTime == 4242)
  }

  @Test(arguments: ["", "9", "9 (x", "9 (x)", "9 (x) S 1 2 3", "9 (x) S one two"])
  func `a broken line is no process`(_ text: String) {
    #expect(Processes.facts(of: 9, stat: text) == nil)
  }

  @Test(arguments: [Int32.min, -1, 0, 1])
  func `numbers that mean many processes are never signalled`(_ pid: Int32) {
    #expect(!Processes.signal(pid, 0))
  }

  @Test func `a process that is gone is not running`() {
    #expect(!Processes.isRunning(Int32.max))
    #expect(Processes.arguments(of: Int32.max) == [])
  }
}
