import Glibc
import Machine
import Testing

@testable import Supervisor

@Suite struct ReplicaLogTests {
  private let path = "/tmp/assay-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).log"

  @Test func `a log never grows beyond its limit, and the former one is kept`() throws {
    defer { for end in ["", ".1"] { try? Files.remove(path + end) } }
    let log = ReplicaLog(path: path)
    let line = String(repeating: "x", count: 65_535)
    let count = ReplicaLog.bytesMax / 65_536
    for _ in 0..<(count + 1) { log.append(line) }
    log.append("last")
    #expect(Files.facts(of: path + ".1")?.byteCount == ReplicaLog.bytesMax)
    #expect(Files.facts(of: path)?.byteCount == 65_536 + 5)
    #expect(log.lastLines.count == ReplicaLog.lastLinesMax)
    #expect(log.lastLines.last == "last")
  }

  @Test func `a log goes on where an earlier one ended`() throws {
    defer { try? Files.remove(path) }
    ReplicaLog(path: path).append("one")
    ReplicaLog(path: path).append("two")
    #expect(try Files.readText(path) == "one\ntwo\n")
  }

  @Test func `a log that cannot be written stops nothing`() {
    let log = ReplicaLog(path: "/nowhere/at/all.log")
    for _ in 0..<10 { log.append("x") }
    #expect(log.lastLines.count == 5)
  }
}

@Suite struct ProcessRecordTests {
  @Test func `a record comes back as it was written`() {
    let record = ProcessRecord(pids: [(getpid(), "own"), (Int32.max, "gone")])
    #expect(record.entries.map(\.name) == ["own"])
    #expect(ProcessRecord(parsing: record.text) == record)
    #expect(record.alive == record.entries)
  }

  @Test(arguments: ["", "x", "1 2 init", "-5 1 x", "0 1 x", "5 x y", "5 1", "5 1 2 3", "9e9 1 x"])
  func `lines that name no process of ours are left out`(_ text: String) {
    #expect(ProcessRecord(parsing: text).entries.isEmpty)
  }
}
