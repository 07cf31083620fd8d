import Faults
import GatewayBatches
import GatewayPipeline
import GatewayProviders
import GatewayValues
import TestSupport
import Testing

/// What is written down is there again, and no more than may be is kept.
@Suite struct BatchFileTests {
  private func name(_ text: String) throws -> GatewayName { try #require(GatewayName(text)) }

  private func record(
    _ id: String, _ dialect: Dialect = .anthropicMessages, product: String = "demo",
    requests: Int = 2
  ) throws -> BatchRecord {
    let caller = Caller(product: try name(product), key: try name("ci"))
    let way = BatchWay(provider: try name("sim-a"), key: try name("main"))
    return BatchRecord(
      id: id, caller: caller, dialect: dialect, way: way, requests: requests, created: 1_000)
  }

  private func items(_ count: Int = 2) -> [BatchItem] {
    (0..<count).map { BatchItem(number: $0, customID: "c\($0)", attempt: Int64(100 + $0)) }
  }

  private func with(_ body: (BatchFile, String) async throws -> Void) async throws {
    try await ScratchFolder.with { scratch in
      let path = scratch.file("batches.db")
      let file = try await BatchFile(opening: path)
      try await body(file, path)
      await file.close()
    }
  }

  @Test func `a record comes back whole after the file was opened again`() async throws {
    try await with { file, path in
      var record = try record("msgbatch_1")
      record.metadata = Array(#"{"a":"b"}"#.utf8)
      record.inputFile = "file-1"
      record.headers = [.init(name: "anthropic-beta", value: "x:y"), .init(name: "b", value: "")]
      try await file.add(record, items(), body: [1, 2, 3])
      record.machine.stage = .running
      record.machine.providerID = "p1"
      record.machine.isCanceled = true
      record.machine.isCancelTold = true
      record.machine.sends = 3
      record.machine.looks = 1
      record.machine.rest = .expired
      record.machine.nextAt = 77
      record.machine.expiresAt = 88
      record.resultFiles = ["file-a", "file-b"]
      record.canceledAt = 5
      record.endedAt = 6
      #expect(try await file.body(of: record.id) == [1, 2, 3])
      try await file.save(record)
      // What was sent is not kept once the provider has it.
      #expect(try await file.body(of: record.id) == [])
      await file.close()
      let again = try await BatchFile(opening: path)
      #expect(try await again.open() == [record])
      #expect(try await again.record("msgbatch_1") == record)
      #expect(try await again.items(of: "msgbatch_1") == items())
      #expect(try await again.isKnown(providerID: "p1"))
      #expect(try await !again.isKnown(providerID: "p2"))
      await again.close()
    }
  }

  @Test func `results come in pieces, by what became of their requests`() async throws {
    try await with { file, _ in
      let record = try record("batch_1", .openAIChat, requests: 600)
      try await file.add(record, items(600), body: [])
      try await file.settle(
        record.id,
        (0..<500).map { number in
          SettledItem(
            number: number, outcome: number.isMultiple(of: 2) ? .succeeded : .errored,
            line: Array("\(number)\n".utf8))
        })
      func all(_ succeeded: Bool?) async throws -> [Int] {
        var found: [Int] = []
        var place = -1
        while let piece = try await file.results(
          of: record.id, after: place, succeeded: succeeded)
        {
          place = piece.last
          found += String(decoding: piece.lines, as: UTF8.self).split(separator: "\n")
            .compactMap { Int($0) }
        }
        return found
      }
      #expect(try await all(nil) == Array(0..<500))
      #expect(try await all(true) == Array(stride(from: 0, to: 500, by: 2)))
      #expect(try await all(false) == Array(stride(from: 1, to: 500, by: 2)))
      let counts = try await file.counts(of: record.id)
      #expect(counts[.succeeded] == 250 && counts[.errored] == 250 && counts[.waiting] == 100)
      let bytes = try await file.resultBytes(of: record.id, succeeded: true)
      #expect(bytes == Int64(stride(from: 0, to: 500, by: 2).reduce(0) { $0 + "\($1)\n".count }))
    }
  }

  @Test func `a list is a product's own, of one family, newest first`() async throws {
    try await with { file, _ in
      for number in 0..<5 {
        var record = try record("msgbatch_\(number)")
        record.machine.stage = .running
        try await file.add(record, items(), body: [])
      }
      var foreign = try record("msgbatch_foreign", product: "other")
      foreign.machine.stage = .running
      try await file.add(foreign, items(), body: [])
      // Nobody was told of it.
      try await file.add(try record("msgbatch_made"), items(), body: [])
      var page = BatchPage(product: try name("demo"), family: .anthropic, countMax: 2)
      func ids() async throws -> ([String], Bool) {
        let (found, hasMore) = try await file.list(page)
        return (found.map { String($0.0.id.dropFirst(9)) }, hasMore)
      }
      #expect(try await ids() == (["4", "3"], true))
      page.after = "msgbatch_3"
      #expect(try await ids() == (["2", "1"], true))
      page.after = "msgbatch_1"
      #expect(try await ids() == (["0"], false))
      page.after = ""
      page.before = "msgbatch_1"
      #expect(try await ids() == (["3", "2"], true))
      page.family = .openAI
      page.before = ""
      #expect(try await ids() == ([], false))
    }
  }

  @Test func `files are a product's own, as many as may be, and go in time`() async throws {
    try await with { file, _ in
      let (demo, other) = (try name("demo"), try name("other"))
      for number in 0..<BatchLimits.filesMax {
        let stored = StoredFile(
          id: "file-\(number)", name: "a.jsonl", byteCount: 1, created: Int64(number))
        try await file.keep(stored, of: demo, [7])
      }
      let more = StoredFile(id: "file-more", name: "a", byteCount: 1, created: 0)
      await #expect(throws: Fault.self) { try await file.keep(more, of: demo, [7]) }
      try await file.keep(more, of: other, [8])
      let large = StoredFile(
        id: "file-large", name: "a", byteCount: BatchLimits.filesBytesMax, created: 0)
      await #expect(throws: Fault.self) { try await file.keep(large, of: other, []) }
      #expect(try await file.bytes(of: "file-1", of: demo) == [7])
      #expect(try await file.bytes(of: "file-1", of: other) == nil)
      #expect(try await file.file("file-1", of: other) == nil)
      #expect(try await !file.removeFile("file-1", of: other))
      #expect(try await file.removeFile("file-1", of: demo))
      #expect(try await file.file("file-1", of: demo) == nil)
      try await file.sweep(before: 900)
      #expect(try await file.files(of: demo).count == 100)
    }
  }

  @Test func `a sweep takes only what has ended`() async throws {
    try await with { file, _ in
      var (old, open) = (try record("msgbatch_old"), try record("msgbatch_open"))
      old.machine.stage = .ended
      old.endedAt = 10
      open.machine.stage = .running
      for record in [old, open] { try await file.add(record, items(), body: []) }
      try await file.sweep(before: 11)
      #expect(try await file.record("msgbatch_old") == nil)
      #expect(try await file.items(of: "msgbatch_old").isEmpty)
      #expect(try await file.items(of: "msgbatch_open").count == 2)
    }
  }
}
