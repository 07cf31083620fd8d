import Faults
import GatewayContract
import Glibc
import JSON
import Machine
import RPC
import ScoreContract
import TestSupport
import Testing

/// Documents that a call only names: they are read and encoded while they are sent.
@Suite(.timeLimit(.minutes(4))) struct MediaTests {
  /// The longest text between two quotes.
  private func longest(_ body: String) -> String {
    let parts = body.utf8.split(separator: UInt8(ascii: "\""))
    return parts.max { $0.count < $1.count }.map { String(Substring($0)) } ?? ""
  }

  private func refusal(_ body: () async throws -> Void) async throws -> Fault? {
    do {
      try await body()
    } catch let fault as Fault {
      return fault
    }
    return nil
  }

  @Test func `a document by reference is the same request as its bytes`() async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(3_000_001)
      // Else the second would be marked for a prompt cache, as the second of its kind.
      let settings = media.settings.merging(["ASSAY_GATEWAY_PROMPT_CACHE": "caller"]) { $1 }
      try await RecordingProvider.with(bodyBytesMax: 64 << 20, settings: settings) {
        fixture, provider in
        try await MediaFixture.client(fixture) { _, client in
          let options = MediaFixture.options
          let here = MediaFixture.request("here", .bytes(document.bytes), cache: .bypass)
          _ = try await client.generate(here, options: options)
          let there = MediaFixture.request("there", .ref(document.ref), cache: .bypass)
          _ = try await client.generate(there, options: options)
          #expect(provider.bodies.count == 2 && provider.bodies[0] == provider.bodies[1])
          #expect(longest(provider.bodies[1]) == document.base64)
          // One may answer for the other, also under its key.
          let first = MediaFixture.request("first", .ref(document.ref))
          _ = try await client.generate(first, options: options)
          var pages = document.ref
          pages.pages = 60
          let second = MediaFixture.request("second", .ref(pages))
          #expect(try await client.generate(second, options: options).cache == .hit)
          let third = MediaFixture.request("third", .bytes(document.bytes))
          #expect(try await client.generate(third, options: options).cache == .hit)
          let again = MediaFixture.request("first", .bytes(document.bytes))
          #expect(try await client.generate(again, options: options).isReplay)
          #expect(provider.bodies.count == 3)
        }
      }
    }
  }

  @Test func `ten megabytes arrive whole, and again whole after a refusal`() async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(10_000_000)
      try await RecordingProvider.with(bodyBytesMax: 64 << 20, settings: media.settings) {
        fixture, provider in
        try await MediaFixture.client(fixture) { channel, client in
          provider.refuseNext(1)
          let asked = MediaFixture.request("ten", .ref(document.ref))
          let answer = try await client.generate(asked, options: MediaFixture.options)
          #expect(answer.text == "ok" && answer.attempts == 2)
          #expect(provider.bodies.count == 2 && provider.bodies[0] == provider.bodies[1])
          #expect(longest(provider.bodies[1]) == document.base64)
          let lines = try await lines(channel, fixture, atLeast: 2)
          #expect(lines.map(\.state) == [.settled, .void], "\(lines)")
        }
      }
    }
  }

  @Test(arguments: ["openai-chat", "openai-responses"])
  func `OpenAI gets it as a data URL`(dialect: String) async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(400_000)
      try await RecordingProvider.with(
        openAI: dialect, bodyBytesMax: 8 << 20, settings: media.settings
      ) { fixture, provider in
        try await MediaFixture.client(fixture) { _, client in
          let asked = MediaFixture.request(
            "o", .ref(document.ref), model: "gpt-5.6-luna", retriesMax: 0)
          // What it answers is another dialect's, so that the client asks once more.
          _ = try? await client.generate(asked, options: MediaFixture.options)
          let body = try #require(provider.bodies.first)
          #expect(Set(provider.bodies).count == 1)
          #expect(longest(body) == "data:application/pdf;base64,\(document.base64)")
          #expect(body.contains("\"file_data\":\"data:application/pdf;base64,"))
        }
      }
    }
  }

  /// The ledger's lines, newest first, once there are so many: they are written behind the calls.
  private func lines(
    _ channel: Channel, _ fixture: GatewayFixture, atLeast count: Int
  ) async throws -> [LedgerLine] {
    var lines: [LedgerLine] = []
    try await eventually("\(count) lines", on: fixture.loop) {
      lines = try await AccountClient(channel).listLines(
        ListLinesRequest(), options: MediaFixture.options
      ).lines
      return lines.count >= count
    }
    return lines
  }

  /// The most that a process had in memory since it was last asked to forget that.
  private func peak(_ pid: Int32) throws -> Int {
    let status = try Files.readText("/proc/\(pid)/status")
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(line.split(separator: " ").compactMap { Int($0) }.first) << 10
  }

  @Test func `eight documents at once take less memory than one has`() async throws {
    try await MediaFixture.with { media in
      let count = 20_000_000
      var documents: [MediaFixture.Document] = []
      for seed in 1...8 { documents.append(try await media.document(count, seed: UInt64(seed))) }
      let small = try await media.document(300_000, seed: 100)
      try await RecordingProvider.with(bodyBytesMax: 64 << 20, settings: media.settings) {
        fixture, provider in
        try await MediaFixture.client(fixture) { _, client in
          let options = MediaFixture.options
          _ = try await client.generate(
            MediaFixture.request("small", .ref(small.ref)), options: options)
          provider.forget()
          // From here on, not from what its start has taken.
          try OpenFile("/proc/\(provider.gateway)/clear_refs", for: .append).write("5")
          let before = try peak(provider.gateway)
          try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, document) in documents.enumerated() {
              let asked = MediaFixture.request("large-\(place)", .ref(document.ref))
              group.addTask { _ = try await client.generate(asked, options: options) }
            }
            try await group.waitForAll()
          }
          let grown = try peak(provider.gateway) - before
          print("eight documents of \(count) bytes: the peak grew by \(grown) bytes")
          #expect(grown < count, "\(grown) bytes")
          let sent = provider.bodies
          #expect(sent.count == 8)
          #expect(Set(sent.map(\.utf8.count)).count == 1)
          let first = String(documents[0].base64.prefix(64))
          #expect(sent.contains { $0.contains(first) })
        }
      }
    }
  }

  // MARK: - What cannot be sent

  @Test func `what is not there, or not as it was said, is refused before anything is paid`()
    async throws
  {
    try await MediaFixture.with { media in
      let document = try await media.document(60_000)
      let linked = try await media.document(50_000, seed: 2)
      try Files.rename(linked.path, to: "\(media.folder)/elsewhere")
      try #require(unsafe symlink("\(media.folder)/elsewhere", linked.path) == 0)
      let missing = String(repeating: "ab", count: 32)
      let cases: [(GatewayContract.MediaRef, String)] = [
        (.init(hash: missing, bytes: 10), "MEDIA_NOT_FOUND"),
        (.init(hash: document.ref.hash, bytes: 59_999), "MEDIA_OTHER_SIZE"),
        (linked.ref, "MEDIA_DAMAGED"),
        (.init(hash: "../../etc/passwd", bytes: 10), "BAD_REQUEST"),
        (.init(hash: missing.uppercased(), bytes: 10), "BAD_REQUEST"),
        (.init(hash: missing, bytes: 0), "BAD_REQUEST"),
        (.init(hash: missing, bytes: -1), "BAD_REQUEST"),
        (.init(hash: missing, bytes: .max), "REQUEST_TOO_LARGE"),
        (.init(hash: missing, bytes: 26 << 20), "REQUEST_TOO_LARGE"),
      ]
      try await GatewayFixture.with(settings: media.settings) { fixture in
        try await MediaFixture.client(fixture) { channel, client in
          for (place, (ref, reason)) in cases.enumerated() {
            let fault = try await refusal {
              _ = try await client.generate(
                MediaFixture.request("k-\(place)", .ref(ref)), options: MediaFixture.options)
            }
            #expect(fault?.reason == reason, "\(String(describing: fault))")
            if reason == "MEDIA_NOT_FOUND" { #expect(fault?.message.contains(missing) == true) }
          }
          var many = MediaFixture.request("many", .ref(document.ref))
          many.blocks = Array(repeating: many.blocks[0], count: 65)
          let fault = try await refusal {
            _ = try await client.generate(many, options: MediaFixture.options)
          }
          #expect(fault?.reason == "TOO_MANY_DOCUMENTS")
          // The same call is made once the document is there, and is the only one in the ledger.
          let made = try await client.generate(
            MediaFixture.request("k-0", .ref(document.ref)), options: MediaFixture.options)
          #expect(made.attempts == 1)
          let lines = try await lines(channel, fixture, atLeast: 1)
          #expect(lines.map(\.callKey) == ["k-0"], "\(lines)")
        }
        #expect(try await fixture.log().count == 1)
        #expect(try await fixture.bill().count == 1)
      }
    }
  }

  @Test func `a document that was damaged is not sent to its end`() async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(1_000_000)
      var bytes = document.bytes
      bytes[10] ^= 1
      let file = try OpenFile("\(media.folder)/other", for: .replace)
      try file.write(bytes)
      try Files.rename("\(media.folder)/other", to: document.path)
      try await RecordingProvider.with(bodyBytesMax: 8 << 20, settings: media.settings) {
        fixture, provider in
        try await MediaFixture.client(fixture) { channel, client in
          let fault = try await refusal {
            _ = try await client.generate(
              MediaFixture.request("d", .ref(document.ref)), options: MediaFixture.options)
          }
          #expect(fault?.reason == "MEDIA_DAMAGED", "\(String(describing: fault))")
          #expect(provider.bodies.isEmpty)
          // Bytes of it have left, so it counts as if it could have been charged: once, in full.
          let lines = try await lines(channel, fixture, atLeast: 1)
          let line = try #require(lines.first)
          #expect(lines.count == 1 && line.state != .void, "\(lines)")
          #expect(
            max(line.usage?.costNanos ?? 0, line.state == .uncertain ? line.boundNanos : 0)
              == line.boundNanos, "\(line)")
        }
      }
    }
  }

  @Test func `a gateway without a store says what to set, and one whose folder is missing too`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      try await MediaFixture.client(fixture) { _, client in
        let fault = try await refusal {
          _ = try await client.generate(
            MediaFixture.request(
              "n", .ref(.init(hash: String(repeating: "0", count: 64), bytes: 5))),
            options: MediaFixture.options)
        }
        #expect(fault?.reason == "NO_BLOB_STORE")
        #expect(fault?.hint?.contains("ASSAY_GATEWAY_BLOBS") == true)
      }
      try await fixture.gateway.end()
      var environment = GatewayFixture.environment(fixture.folder, "process")
      environment["ASSAY_GATEWAY_BLOBS"] = "\(fixture.folder)/nowhere"
      try await ChildTool.with(
        try BuildPlace.executable("assay-gateway"), [], environment: environment
      ) { gateway in
        try await eventually("it gives up", on: fixture.loop) { !gateway.isRunning }
        let lines = gateway.output.errorLines
        #expect(lines.contains { $0.contains("BAD_BLOBS") || $0.contains("nowhere") }, "\(lines)")
      }
    }
  }

  // MARK: - With what else there is

  @Test func `ten criteria over one document by reference read what the first has written`()
    async throws
  {
    try await MediaFixture.with { media in
      let document = try await media.document(300_000)
      try await GatewayFixture.with(settings: media.settings) { fixture in
        try await fixture.script([["fault": "delay", "with": ["delay_ms": 150]]])
        let responses = try await MediaFixture.client(fixture) { _, client in
          let (options, ref) = (MediaFixture.options, document.ref)
          return try await withThrowingTaskGroup(of: GenerateResponse.self) { group in
            for index in 0..<10 {
              var asked = MediaFixture.request("criterion-\(index)", .ref(ref))
              // Half of them bring it along.
              if index % 2 == 1 { asked.blocks[0].media?.source = .bytes(document.bytes) }
              asked.blocks[1].text = "Criterion \(index): is it sound?"
              asked.policy?.prefixReuses = 9
              let made = asked
              group.addTask { try await client.generate(made, options: options) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
          }
        }
        let usages = try await fixture.usages()
        let written = usages.map { $0["cache_write_5m"]?.intValue ?? 0 }
        let read = usages.map { $0["cache_read"]?.intValue ?? 0 }
        #expect(written.filter { $0 > 0 }.count == 1 && read.filter { $0 > 0 }.count == 9)
        // Six pages.
        #expect((written.max() ?? 0) >= 12_000)
        let predicted = responses.reduce(0) { $0 + Int($1.cacheReadPredicted) }
        #expect(predicted == read.reduce(0, +), "\(predicted), \(usages)")
      }
    }
  }

  @Test func `a batch takes a small document along`() async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(120_000)
      let further = [
        "ASSAY_GATEWAY_BATCH_GATHER": "20ms", "ASSAY_GATEWAY_BATCH_LEAD": "2s",
      ].merging(media.settings) { $1 }
      try await GatewayFixture.with(settings: further) { fixture in
        try await MediaFixture.client(fixture) { _, client in
          var asked = MediaFixture.request("b", .ref(document.ref))
          asked.policy?.batchDeadlineMs = 4_102_444_800_000
          let batched = try await client.generate(asked, options: MediaFixture.options)
          var alone = MediaFixture.request("a", .ref(document.ref), cache: .bypass)
          alone.blocks[1].text = "Is it alone?"
          let single = try await client.generate(alone, options: MediaFixture.options)
          // Three pages, and half the price.
          #expect((batched.usage?.inputTokens ?? 0) >= 6_000)
          let (half, whole) = (batched.usage?.costNanos ?? 0, single.usage?.costNanos ?? 0)
          #expect(half > 0 && half * 10 < whole * 6, "\(half), \(whole)")
          asked.callKey = "gone"
          asked.blocks[0].media?.source = .ref(
            .init(hash: String(repeating: "12", count: 32), bytes: 9))
          let (gone, options) = (asked, MediaFixture.options)
          let fault = try await refusal { _ = try await client.generate(gone, options: options) }
          #expect(fault?.reason == "MEDIA_NOT_FOUND")
        }
      }
    }
  }

  @Test func `a reference is quoted, counted and streamed as bytes are`() async throws {
    try await MediaFixture.with { media in
      let document = try await media.document(200_000)
      try await GatewayFixture.with(settings: media.settings) { fixture in
        try await MediaFixture.client(fixture) { _, client in
          let options = MediaFixture.options
          let (here, there) = (
            MediaFixture.request("h", .bytes(document.bytes)),
            MediaFixture.request("t", .ref(document.ref))
          )
          let quotes = (
            try await client.quote(here, options: options),
            try await client.quote(there, options: options)
          )
          #expect(quotes.0 == quotes.1 && quotes.0.inputTokensMax == 200_000)
          let counts = (
            try await client.countTokens(here, options: options),
            try await client.countTokens(there, options: options)
          )
          #expect(counts.0 == counts.1 && counts.0.isCounted && counts.0.inputTokens > 8_000)
          var text = ""
          for try await event in client.generateStream(there, options: options) {
            if case .text(let piece) = event.kind { text += piece }
          }
          #expect(!text.isEmpty)
        }
      }
    }
  }
}
