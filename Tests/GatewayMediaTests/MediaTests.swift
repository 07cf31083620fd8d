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

  @Test func `a document by reference is the same request as its bytes`() async throws {
    let recorder = DocumentRecorder()
    // Else the second would be marked for a prompt cache, as the second of its kind.
    let settings = ["ASSAY_GATEWAY_PROMPT_CACHE": "caller"]
    try await MediaFixture.with(recorder, settings: settings) { fixture in
      let document = try await fixture.document(3_000_001)
      let (here, there) = (Media.Source.bytes(document.bytes), Media.Source.ref(document.ref))
      _ = try await fixture.ask(MediaFixture.request("here", here, cache: .bypass))
      _ = try await fixture.ask(MediaFixture.request("there", there, cache: .bypass))
      #expect(recorder.bodies.count == 2 && recorder.bodies[0] == recorder.bodies[1])
      #expect(longest(recorder.bodies[1]) == document.base64)
      // One may answer for the other, also under its key.
      _ = try await fixture.ask(MediaFixture.request("first", there))
      var pages = document.ref
      pages.pages = 60
      #expect(try await fixture.ask(MediaFixture.request("second", .ref(pages))).cache == .hit)
      #expect(try await fixture.ask(MediaFixture.request("third", here)).cache == .hit)
      #expect(try await fixture.ask(MediaFixture.request("first", here)).isReplay)
      #expect(recorder.bodies.count == 3)
    }
  }

  @Test func `ten megabytes arrive whole, and again whole after a refusal`() async throws {
    let recorder = DocumentRecorder()
    try await MediaFixture.with(recorder) { fixture in
      let document = try await fixture.document(10_000_000)
      recorder.refuseNext(1)
      let answer = try await fixture.ask(MediaFixture.request("ten", .ref(document.ref)))
      #expect(answer.text == "ok" && answer.attempts == 2)
      #expect(recorder.bodies.count == 2 && recorder.bodies[0] == recorder.bodies[1])
      #expect(longest(recorder.bodies[1]) == document.base64)
      let lines = try await fixture.lines(atLeast: 2)
      #expect(lines.map(\.state) == [.settled, .void], "\(lines)")
    }
  }

  @Test(arguments: ["openai-chat", "openai-responses"])
  func `OpenAI gets it as a data URL`(dialect: String) async throws {
    let recorder = DocumentRecorder()
    try await MediaFixture.with(recorder, openAI: dialect) { fixture in
      let document = try await fixture.document(400_000)
      let asked = MediaFixture.request(
        "o", .ref(document.ref), model: "gpt-5.6-luna", retriesMax: 0)
      // What it answers is another dialect's, so that the client asks once more.
      _ = try? await fixture.ask(asked)
      let body = try #require(recorder.bodies.first)
      #expect(Set(recorder.bodies).count == 1)
      #expect(longest(body) == "data:application/pdf;base64,\(document.base64)")
      #expect(body.contains("\"file_data\":\"data:application/pdf;base64,"))
    }
  }

  /// The most that a process had in memory since it was last asked to forget that.
  private func peak(_ pid: Int32) throws -> Int {
    let status = try Files.readText("/proc/\(pid)/status")
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(line.split { " \t".contains($0) }.compactMap { Int($0) }.first) << 10
  }

  @Test func `eight documents at once take less memory than one has`() async throws {
    let recorder = DocumentRecorder()
    try await MediaFixture.with(recorder) { fixture in
      let count = 20_000_000
      var documents: [MediaFixture.Document] = []
      for seed in 1...8 {
        documents.append(try await fixture.document(count, seed: UInt64(seed)))
      }
      let small = try await fixture.document(300_000, seed: 100)
      _ = try await fixture.ask(MediaFixture.request("small", .ref(small.ref)))
      recorder.forget()
      // From here on, not from what its start has taken.
      let pid = fixture.gateway.pid
      try OpenFile("/proc/\(pid)/clear_refs", for: .append).write("5")
      let before = try peak(pid)
      _ = try await fixture.ask(
        all: documents.enumerated().map { MediaFixture.request("l-\($0)", .ref($1.ref)) })
      let grown = try peak(pid) - before
      print("eight documents of \(count) bytes: the peak grew by \(grown) bytes from \(before)")
      #expect(grown < count, "\(grown) bytes")
      let sent = recorder.bodies
      #expect(sent.count == 8 && Set(sent.map(\.utf8.count)).count == 1)
      #expect(Set(sent.map(longest)) == Set(documents.map(\.base64)))
    }
  }

  // MARK: - With what else there is

  @Test func `ten criteria over one document by reference read what the first has written`()
    async throws
  {
    try await MediaFixture.with { fixture in
      let document = try await fixture.document(300_000)
      try await fixture.script([["fault": "delay", "with": ["delay_ms": 150]]])
      let requests = (0..<10).map { index in
        var asked = MediaFixture.request("criterion-\(index)", .ref(document.ref))
        // Half of them bring it along.
        if index % 2 == 1 { asked.blocks[0].media?.source = .bytes(document.bytes) }
        asked.blocks[1].text = "Criterion \(index): is it sound?"
        asked.policy?.prefixReuses = 9
        return asked
      }
      let responses = try await fixture.ask(all: requests)
      let usages = try await fixture.told("/bill").compactMap { $0["usage"] }
      let written = usages.map { $0["cache_write_5m"]?.intValue ?? 0 }
      let read = usages.map { $0["cache_read"]?.intValue ?? 0 }
      #expect(written.filter { $0 > 0 }.count == 1 && read.filter { $0 > 0 }.count == 9)
      // Six pages.
      #expect((written.max() ?? 0) >= 12_000)
      let predicted = responses.reduce(0) { $0 + Int($1.cacheReadPredicted) }
      #expect(predicted == read.reduce(0, +), "\(predicted), \(usages)")
    }
  }

  @Test func `a batch takes small documents along, and a large one is asked for alone`()
    async throws
  {
    try await MediaFixture.with { fixture in
      let document = try await fixture.document(120_000)
      let requests = (0..<6).map { index in
        var asked = MediaFixture.request("b-\(index)", .ref(document.ref))
        asked.blocks[1].text = "Is \(index) sound?"
        asked.policy?.batchDeadlineMs = 4_102_444_800_000
        return asked
      }
      let batched = try await fixture.ask(all: requests)
      // Three pages.
      #expect(batched.count == 6 && batched.allSatisfy { $0.usage?.inputTokens ?? 0 >= 6_000 })
      let large = try await fixture.document(3_200_000, seed: 2)
      var alone = requests[0]
      alone.callKey = "large"
      alone.blocks[0].media?.source = .ref(large.ref)
      #expect(try await fixture.ask(alone).usage?.inputTokens ?? 0 >= 120_000)
      let bill = try await fixture.told("/bill")
      #expect(bill.filter { $0["batch"]?.boolValue ?? false }.count == 6, "\(bill)")
      #expect(bill.count == 7)
      var gone = requests[0]
      gone.callKey = "gone"
      gone.blocks[0].media?.source = .ref(
        .init(hash: String(repeating: "12", count: 32), bytes: 9))
      #expect(try await RefusedMediaTests.refusal(fixture, gone)?.reason == "MEDIA_NOT_FOUND")
    }
  }

  @Test func `a reference is quoted, counted and streamed as bytes are`() async throws {
    try await MediaFixture.with { fixture in
      let document = try await fixture.document(200_000)
      let (client, options) = (fixture.client, MediaFixture.options)
      let here = MediaFixture.request("h", .bytes(document.bytes))
      let there = MediaFixture.request("t", .ref(document.ref))
      let quote = try await client.quote(there, options: options)
      #expect(try await client.quote(here, options: options) == quote)
      // Nobody has counted what stands on its pages.
      #expect(quote.inputTokensMax == 200_000)
      let count = try await client.countTokens(there, options: options)
      #expect(try await client.countTokens(here, options: options) == count)
      #expect(count.isCounted && count.inputTokens > 8_000)
      var text = ""
      for try await event in client.generateStream(there, options: options) {
        if case .text(let piece) = event.kind { text += piece }
      }
      #expect(!text.isEmpty)
    }
  }
}
