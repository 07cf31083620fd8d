import Faults
import GatewayAudit
import GatewayLedger
import Glibc
import LedgerFile
import Machine
import TestSupport
import Testing

/// A ledger's process on a disk that fails when it is told to; see Tests/Support/baddisk.
@Suite(.timeLimit(.minutes(2))) struct FailingDiskTests {
  private struct Disk {
    let folder: String
    let bill: String
    let control: String
    let library: String

    /// What is wrong from now on; nil: nothing any more.
    func say(_ word: String?) throws {
      guard let word else { return try Files.remove(control) }
      try Files.replace(control, with: word)
    }

    var hasHit: Bool { Files.facts(of: "\(control).hit") != nil }
    var billBytes: Int { Files.facts(of: bill)?.byteCount ?? 0 }

    func peer<R>(_ body: (ChildTool) async throws -> R) async throws -> R {
      try await ChildTool.with(
        try BuildPlace.executable("LedgerPeer"), ["load", folder, bill, "power", "4"],
        environment: [
          "LD_PRELOAD": library, "BADDISK_CONTROL": control, "BADDISK_FOLDER": folder,
          "LEDGER_WAITS": "1", "SWIFT_BACKTRACE": "enable=no",
        ], body)
    }

    /// Until the peer has been answered so much more.
    func answered(_ bytes: Int, _ tool: ChildTool) async throws {
      let (before, deadline) = (billBytes, ContinuousClock.now + .seconds(30))
      while billBytes < before + bytes, ContinuousClock.now < deadline, tool.isRunning {
        await Task.yield()
      }
      #expect(billBytes >= before + bytes)
    }

    /// The ledger as the next process finds it: every answer is in it as it was given.
    func check() async throws {
      try await LedgerFixture.onLoop { loop in
        let ledger = try await Ledger.open(LedgerOptions(folder: folder), on: loop)
        await ledger.close()
      }
      let text = try Files.readText(bill, bytesMax: BilledCall.billBytesMax)
      let billed = text.split(separator: "\n").compactMap { BilledCall(line: String($0)) }
      let settled = text.split(separator: "\n").count { $0.hasPrefix("settled ") }
      let report = try LedgerAudit.run(folder: folder, bill: billed)
      #expect(report.problems == [] && settled > 0)
      let comparison = try #require(report.bill)
      #expect(comparison.missing == [] && comparison.differing == [] && comparison.extra == [])
      #expect(comparison.equal >= settled)
    }
  }

  private func with(_ body: (Disk) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      let disk = Disk(
        folder: scratch.file("ledger"), bill: scratch.file("bill"),
        control: scratch.file("control"),
        library: try await PowerCut.disk("baddisk", in: scratch))
      try await body(disk)
      try Files.removeTree(disk.folder)
    }
  }

  @Test func `a ledger whose journal of settlements fails goes on by its commits`() async throws {
    try await with { disk in
      try await disk.peer { tool in
        _ = try await tool.line { $0 == "open" }
        try await disk.answered(4_000, tool)
        try disk.say("aio")
        try await disk.answered(40_000, tool)
        #expect(disk.hasHit)
        Glibc.kill(tool.pid, SIGKILL)
        _ = try await tool.ended()
      }
      try disk.say(nil)
      try await disk.check()
    }
  }

  @Test func `a ledger whose journal cannot grow says so, and goes on when there is room`()
    async throws
  {
    try await with { disk in
      // Not even the first piece can be had.
      try disk.say("allocate")
      let refused = try await disk.peer { tool in try await tool.ended() }
      #expect(!refused.isSuccess && refused.errorLines.joined().contains("LEDGER_FULL"))
      #expect(disk.hasHit)
      try disk.say(nil)
      try await disk.peer { tool in
        _ = try await tool.line { $0 == "open" }
        try disk.say("allocate")
        _ = try await tool.line(within: .seconds(60)) { $0 == "full" }
        try disk.say(nil)
        try await disk.answered(40_000, tool)
        Glibc.kill(tool.pid, SIGKILL)
        _ = try await tool.ended()
      }
      try await disk.check()
    }
  }
}
