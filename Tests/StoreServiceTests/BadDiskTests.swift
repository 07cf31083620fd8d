import EventLoop
import Faults
import Glibc
import RPC
import ScoreContract
import StoreContract
import TestSupport
import Testing

/// The executable itself when its disk is full or fails: what is acknowledged, and what is not.
@Suite(.timeLimit(.minutes(1))) struct BadDiskTests {
  /// Commits one after another, so many or until one is refused; those that were acknowledged.
  private func commit(
    _ name: String, under lease: Lease, on disk: BadDisk, countMax: Int
  ) async -> (kept: [CommitRequest], refused: (CommitRequest, Fault)?) {
    var kept: [CommitRequest] = []
    while kept.count < countMax {
      let commit = Facts.commit("\(name)\(kept.count)", [Facts.note("n")], under: lease)
      if let fault = await fault({ _ = try await disk.client.commit(commit) }) {
        return (kept, (commit, fault))
      }
      kept.append(commit)
    }
    return (kept, nil)
  }

  /// A new process has what was acknowledged, each once.
  private func expect(_ kept: [CommitRequest], session: String, on disk: BadDisk) async throws {
    let replica = try await Replica(disk.client, ttl: .seconds(60), session: session)
    for commit in kept { #expect(try await disk.client.commit(commit).isReplay) }
    let events = try await disk.client.events(of: "r1")
    #expect(events.map(\.seq) == (1...Int64(events.count)).map { $0 })
    withExtendedLifetime(replica) {}
  }

  @Test func `a full disk refuses writes and answers reads, and takes them again when it has room`()
    async throws
  {
    try await BadDisk.with { disk in
      var kept: [CommitRequest] = []
      var session = ""
      try await disk.store { tool in
        let replica = try await Replica(disk.client, ttl: .seconds(60))
        session = replica.session
        let lease = try await disk.client.runAtWork(by: replica)
        for round in 0..<3 {
          let before = await commit("a\(round)-", under: lease, on: disk, countMax: 5)
          #expect(before.refused == nil)
          try disk.say("full")
          let during = await commit("b\(round)-", under: lease, on: disk, countMax: 200)
          let (refused, why) = try #require(during.refused)
          #expect(why.code == .resourceExhausted && why.reason == "STORE_FULL", "\(why)")
          #expect(why.hint != nil && during.kept.isEmpty && disk.hasHit)
          // Nobody else is told that all is well either, and what was kept can be read.
          let fault = await fault { _ = try await disk.client.createRun(Facts.run("other")) }
          #expect(fault?.reason == "STORE_FULL")
          kept += before.kept
          #expect(try await disk.client.events(of: "r1").count == 5 + kept.count)
          try disk.say(nil)
          #expect(try await !disk.client.commit(refused).isReplay)
          kept.append(refused)
          #expect(tool.isRunning)
        }
        kill(tool.pid, SIGKILL)
        _ = try await tool.ended()
      }
      try await disk.store { _ in try await expect(kept, session: session, on: disk) }
    }
  }

  @Test(arguments: [
    "journal.void.before-write", "journal.void.after-write", "store.journal.before-write",
    "store.journal.after-write", "store.group.before-commit",
  ])
  func `a store that ends while its disk is full has what it acknowledged, and goes on`(
    _ place: String
  ) async throws {
    try await BadDisk.with { disk in
      var kept: [CommitRequest] = []
      var session = ""
      // Behind the groups of a run's beginning.
      let count = place.hasPrefix("journal") ? 1 : 9
      let failpoint = ["ASSAY_FAILPOINT": "\(place):\(count):abort"]
      try await disk.store(failpoint) { tool in
        let replica = try await Replica(disk.client, ttl: .seconds(60))
        session = replica.session
        let lease = try await disk.client.runAtWork(by: replica)
        kept = await commit("a", under: lease, on: disk, countMax: 1).kept
        try disk.say("full")
        for index in 0..<10 {
          let commit = Facts.commit("b\(index)", [Facts.note("n")], under: lease)
          var options = CallOptions(timeout: .seconds(10))
          options.patience = .upTo(.milliseconds(100))
          options.retries = false
          let fault = await fault { _ = try await disk.client.commit(commit, options: options) }
          if fault == nil { kept.append(commit) }
          if fault?.reason != "STORE_FULL" { break }
        }
        let output = try await tool.ended()
        #expect(output.signal == SIGKILL, "\(output.lastWords)")
      }
      try disk.say(nil)
      try await disk.store { _ in try await expect(kept, session: session, on: disk) }
    }
  }

  @Test(arguments: ["sync", "io"])
  func `a disk that fails ends the store, which acknowledges nothing until it is started anew`(
    _ trouble: String
  ) async throws {
    try await BadDisk.with { disk in
      var kept: [CommitRequest] = []
      var session = ""
      try await disk.store { tool in
        let replica = try await Replica(disk.client, ttl: .seconds(60))
        session = replica.session
        let lease = try await disk.client.runAtWork(by: replica)
        kept = await commit("a", under: lease, on: disk, countMax: 5).kept
        try disk.say(trouble)
        // One of several that come at once meets the failure: the disk says that all is well as
        // soon as it has failed once, and the store must not believe it.
        let results = await withTaskGroup(of: (CommitRequest, Fault?).self) { group in
          for index in 0..<40 {
            let commit = Facts.commit("b\(index)", [Facts.note("n")], under: lease)
            group.addTask {
              var options = CallOptions(timeout: .seconds(10))
              options.patience = .upTo(.milliseconds(100))
              options.retries = false
              return (
                commit,
                await fault { _ = try await disk.client.commit(commit, options: options) }
              )
            }
          }
          return await group.reduce(into: [(CommitRequest, Fault?)]()) { $0.append($1) }
        }
        let faults = results.compactMap(\.1)
        let io = faults.first { $0.reason == "STORE_IO" }
        #expect(io?.hint != nil, "\(faults.map { "\($0.reason) \($0.message)" })")
        #expect(faults.allSatisfy { $0.code == .unavailable }, "\(faults)")
        kept += results.filter { $0.1 == nil }.map(\.0)
        let output = try await tool.ended()
        #expect(!output.isSuccess && output.signal == 0)
        #expect(
          output.errorLines.contains { $0.contains("the disk failed under the database") },
          "\(output.lastWords)")
      }
      if trouble == "io" { try disk.say(nil) }
      #expect(disk.hasHit)
      try await disk.store { _ in try await expect(kept, session: session, on: disk) }
    }
  }

  @Test func `a disk that is nearly full is told of`() async throws {
    try await BadDisk.with { disk in
      try disk.say("crowded")
      try await disk.store { tool in
        let line = try await tool.errorLine { $0.contains("the disk of the database is nearly") }
        #expect(line.contains("\"count\":95"))
      }
    }
  }

  @Test func `a network file system is refused unless it is asked for`() async throws {
    try await BadDisk.with { disk in
      try disk.say("network")
      try await disk.store(isReady: false) { tool in
        let output = try await tool.ended()
        #expect(!output.isSuccess)
        #expect(
          output.errorLines.contains { $0.contains("STORE_ON_NETWORK") && $0.contains("NFS") })
      }
      try await disk.store(["ASSAY_STORE_NETWORK_FILE_SYSTEM": "true"]) { tool in
        #expect(tool.isRunning)
      }
    }
  }
}
