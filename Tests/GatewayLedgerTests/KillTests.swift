import Faults
import GatewayAudit
import GatewayBudgets
import GatewayLedger
import GatewayValues
import Glibc
import LedgerFile
import Machine
import SQLite
import TestSupport
import Testing

/// A real process is ended in the middle of its calls; what it sent stands in a bill outside.
@Suite(.timeLimit(.minutes(30)), .serialized) struct KillTests {
  private static let width = 8
  /// `LEDGER_KILLS=500` for the long form.
  private static let kills =
    EnvironmentVariables.current["LEDGER_KILLS"].flatMap { Int($0) } ?? 50

  @Test func `a process killed under load loses nothing that it sent`() async throws {
    var random = SeededRandom("kills")
    try await ScratchFolder.with { scratch in
      let (folder, bill) = (scratch.file("ledger"), scratch.file("bill"))
      let program = try BuildPlace.executable("LedgerPeer")
      for kill in 0..<Self.kills {
        let durability = kill % 2 == 0 ? "power" : "process"
        let linesMin = Int.random(in: 5...400, using: &random)
        let before = Files.facts(of: bill)?.byteCount ?? 0
        try await ChildTool.with(
          program, ["load", folder, bill, durability, String(Self.width)]
        ) { tool in
          _ = try await tool.line { $0 == "open" }
          let deadline = ContinuousClock.now + .seconds(20)
          while (Files.facts(of: bill)?.byteCount ?? 0) < before + linesMin * 60,
            ContinuousClock.now < deadline, tool.isRunning
          {
            await Task.yield()
          }
          Glibc.kill(tool.pid, SIGKILL)
          _ = try await tool.ended()
        }
      }
      try await check(folder, bill, kills: Self.kills)
      try Files.removeTree(folder)
    }
  }

  /// `POWERCUT_EARLY` of a thousand writes reach the disk before anybody syncs them.
  private static let early = 100

  /// Kills a ledger that lies on a disk which loses what was not synced. The journals that live in
  /// memory are torn besides, and each process finds a machine that has started anew.
  private func cutPower(
    _ scratch: ScratchFolder, cuts: Int, _ more: [String: String],
    _ random: inout SeededRandom
  ) async throws -> (folder: String, bill: String) {
    let (folder, bill) = (scratch.file("ledger"), scratch.file("bill"))
    let library = try await PowerCut.disk("powercut", in: scratch)
    let program = try BuildPlace.executable("LedgerPeer")
    for cut in 0..<cuts {
      let linesMin = Int.random(in: 5...200, using: &random)
      let before = Files.facts(of: bill)?.byteCount ?? 0
      let environment = [
        "LD_PRELOAD": library, "POWERCUT_FOLDER": folder, "POWERCUT_EARLY": String(Self.early),
        "POWERCUT_SEED": String(cut), "LEDGER_BOOT": "boot \(cut)",
      ].merging(more) { _, ours in ours }
      try await ChildTool.with(
        program, ["load", folder, bill, "power", String(Self.width)], environment: environment
      ) { tool in
        _ = try await tool.line { $0 == "open" }
        let deadline = ContinuousClock.now + .seconds(20)
        while (Files.facts(of: bill)?.byteCount ?? 0) < before + linesMin * 60,
          ContinuousClock.now < deadline, tool.isRunning
        {
          await Task.yield()
        }
        Glibc.kill(tool.pid, SIGKILL)
        _ = try await tool.ended()
      }
      try PowerCut.tear(folder, &random)
    }
    return (folder, bill)
  }

  /// What was answered and is not in the ledger as it was answered, reply included.
  private func lost(_ folder: String, _ bill: String) async throws -> Int {
    let (billed, settled) = try entries(bill)
    #expect(settled.count > Self.width)
    var lost = 0
    try await LedgerFixture.onLoop { loop in
      let ledger = try await Ledger.open(LedgerOptions(folder: folder), on: loop)
      for request in settled {
        let id = request.dropFirst(4)
        guard let product = GatewayName("product"), let key = CallKey("key-\(id)") else { continue }
        let call = try await ledger.call(CallName(product: product, key: key))
        if call?.reply != Array("reply of \(id)".utf8) { lost += 1 }
      }
      await ledger.close()
    }
    let report = try LedgerAudit.run(folder: folder, bill: billed)
    #expect(report.problems == [] && report.excess.count == 0)
    let comparison = try #require(report.bill)
    #expect(comparison.differing == [] && comparison.extra == [])
    // What was sent and never answered may have no line; a gap has its money.
    lost += settled.intersection(comparison.missing).count
    #expect(report.settled.count + report.uncertain.count >= comparison.billedTotal.count)
    return lost
  }

  @Test func `a power cut at any moment loses nothing that was answered`() async throws {
    var random = SeededRandom("cuts")
    try await ScratchFolder.with { scratch in
      let (folder, bill) = try await cutPower(
        scratch, cuts: max(6, Self.kills / 4), [:], &random)
      #expect(try await lost(folder, bill) == 0)
      try Files.removeTree(folder)
    }
  }

  @Test func `a write of the journal that nobody waits for is found out`() async throws {
    var random = SeededRandom("forgotten")
    try await ScratchFolder.with { scratch in
      let (folder, bill) = try await cutPower(
        scratch, cuts: 6, ["POWERCUT_FORGET_WAIT": "1", "POWERCUT_EARLY": "0"], &random)
      #expect(try await lost(folder, bill) > 0)
      try Files.removeTree(folder)
    }
  }

  /// Every place in the source at which the process may be made to end.
  static func failpoints() throws -> [String] {
    var names: [String] = []
    let top = "\(BuildPlace.top)/Services/Gateway"
    for folder in ["Ledger", "LedgerFile/Database", "LedgerFile/Journal", "LedgerFile/Values"] {
      for file in Files.entries(of: "\(top)/\(folder)") where file.hasSuffix(".swift") {
        let text = try Files.readText("\(top)/\(folder)/\(file)")
        for line in text.split(separator: "\n") {
          let words = line.split(separator: "\"", omittingEmptySubsequences: false)
          guard words.count == 3, words[0].hasSuffix("Failpoint.pass(") else { continue }
          names.append(String(words[1]))
        }
      }
    }
    return names.sorted()
  }

  @Test func `a process that ends at any of its failpoints loses nothing that it sent`()
    async throws
  {
    let names = try Self.failpoints()
    #expect(names.count >= 20 && Set(names).count == names.count)
    let program = try BuildPlace.executable("LedgerPeer")
    for name in names {
      for count in [1, 7] {
        try await ScratchFolder.with { scratch in
          let (folder, bill) = (scratch.file("ledger"), scratch.file("bill"))
          let output = try await ChildTool.run(
            program, ["visit", folder, bill, "power", "4"],
            environment: ["ASSAY_FAILPOINT": "\(name):\(count):abort"])
          // Some are passed only once by a process.
          #expect(output.signal == SIGKILL || (count > 1 && output.isSuccess), "\(name) \(count)")
          try await check(folder, bill, kills: 1)
          try Files.removeTree(folder)
        }
      }
    }
  }

  /// What the peer has sent, and what it has heard the end of.
  private func entries(_ bill: String) throws -> (billed: [BilledCall], settled: Set<String>) {
    let text = (try? Files.readText(bill, bytesMax: BilledCall.billBytesMax)) ?? ""
    var billed: [BilledCall] = []
    var settled: Set<String> = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("settled ") {
        settled.insert(String(line.dropFirst(8)))
      } else if let call = BilledCall(line: String(line)) {
        billed.append(call)
      }
    }
    return (billed, settled)
  }

  /// Opens the ledger again, closes it, and holds it against what stands outside.
  private func check(_ folder: String, _ bill: String, kills: Int) async throws {
    try await LedgerFixture.onLoop { loop in
      let ledger = try await Ledger.open(LedgerOptions(folder: folder), on: loop)
      await ledger.close()
    }
    let (billed, settled) = try entries(bill)
    let report = try LedgerAudit.run(folder: folder, bill: billed)
    #expect(report.problems == [])
    #expect(report.excess.count == 0)
    let comparison = try #require(report.bill)
    #expect(comparison.missing == [] && comparison.differing == [] && comparison.extra == [])
    #expect(comparison.uncertain.count <= Self.width * kills)
    // What was answered was settled, whatever came after.
    #expect(comparison.equal >= settled.count)
    #expect(billed.count <= comparison.equal + comparison.uncertain.count)
  }
}
