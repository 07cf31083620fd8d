import Faults
import GatewayContract
import Glibc
import Machine
import RPC
import ScoreContract
import TestSupport
import Testing

/// Documents that cannot be sent: each is refused by its reason, and paid for only where bytes of
/// it had left.
@Suite(.timeLimit(.minutes(2))) struct RefusedMediaTests {
  static func refusal(_ fixture: MediaFixture, _ request: GenerateRequest) async throws -> Fault? {
    do {
      _ = try await fixture.ask(request)
    } catch let fault as Fault {
      return fault
    }
    return nil
  }

  @Test func `what is not there, or not as it was said, is refused before anything is paid`()
    async throws
  {
    try await MediaFixture.with { fixture in
      let document = try await fixture.document(60_000)
      let linked = try await fixture.document(50_000, seed: 2)
      try Files.rename(linked.path, to: "\(fixture.folder)/elsewhere")
      try #require(unsafe symlink("\(fixture.folder)/elsewhere", linked.path) == 0)
      let missing = String(repeating: "ab", count: 32)
      let cases: [(GatewayContract.MediaRef, String)] = [
        (.init(hash: missing, bytes: 10), "MEDIA_NOT_FOUND"),
        (.init(hash: document.ref.hash, bytes: 59_999), "MEDIA_OTHER_SIZE"),
        (linked.ref, "MEDIA_DAMAGED"), (.init(hash: "../../etc/passwd", bytes: 10), "BAD_REQUEST"),
        (.init(hash: missing.uppercased(), bytes: 10), "BAD_REQUEST"),
        (.init(hash: missing, bytes: 0), "BAD_REQUEST"),
        (.init(hash: missing, bytes: -1), "BAD_REQUEST"),
        (.init(hash: missing, bytes: .max), "REQUEST_TOO_LARGE"),
        (.init(hash: missing, bytes: 26 << 20), "REQUEST_TOO_LARGE"),
      ]
      for (place, (ref, reason)) in cases.enumerated() {
        let fault = try await Self.refusal(fixture, MediaFixture.request("k-\(place)", .ref(ref)))
        #expect(fault?.reason == reason, "\(String(describing: fault))")
        if reason == "MEDIA_NOT_FOUND" { #expect(fault?.message.contains(missing) == true) }
      }
      var many = MediaFixture.request("many", .ref(document.ref))
      many.blocks = Array(repeating: many.blocks[0], count: 65)
      #expect(try await Self.refusal(fixture, many)?.reason == "TOO_MANY_DOCUMENTS")
      // The same call is made once the document is there, and is the only one in the ledger.
      let made = try await fixture.ask(MediaFixture.request("k-0", .ref(document.ref)))
      #expect(made.attempts == 1)
      let lines = try await fixture.lines(atLeast: 1)
      #expect(lines.map(\.callKey) == ["k-0"], "\(lines)")
      #expect(try await fixture.told("/control/log").count == 1)
      #expect(try await fixture.told("/bill").count == 1)
    }
  }

  @Test func `a document that was damaged is not sent to its end`() async throws {
    let recorder = DocumentRecorder()
    try await MediaFixture.with(recorder) { fixture in
      let document = try await fixture.document(1_000_000)
      var bytes = document.bytes
      bytes[10] ^= 1
      let file = try OpenFile("\(fixture.folder)/other", for: .replace)
      try file.write(bytes)
      try Files.rename("\(fixture.folder)/other", to: document.path)
      let asked = MediaFixture.request("d", .ref(document.ref))
      let fault = try await Self.refusal(fixture, asked)
      #expect(fault?.reason == "MEDIA_DAMAGED", "\(String(describing: fault))")
      #expect(recorder.bodies.isEmpty)
      // Bytes of it have left, so it counts as if it could have been charged: once, in full.
      let lines = try await fixture.lines(atLeast: 1)
      let line = try #require(lines.first)
      #expect(lines.count == 1 && line.state != .void, "\(lines)")
      let counted = line.state == .uncertain ? line.boundNanos : line.usage?.costNanos ?? 0
      #expect(counted == line.boundNanos, "\(line)")
      // Put in its place again, it is sent under the same key.
      _ = try await fixture.document(1_000_000)
      #expect(try await fixture.ask(asked).text == "ok")
      #expect(recorder.bodies.count == 1)
    }
  }

  @Test func `a gateway without a store says what to set, and one whose folder is missing too`()
    async throws
  {
    try await MediaFixture.with { fixture in
      try await fixture.gateway.end()
      var environment = MediaFixture.environment(fixture.folder)
      environment["ASSAY_GATEWAY_BLOBS"] = nil
      let gateway = try BuildPlace.executable("assay-gateway")
      try await ChildTool.with(gateway, [], environment: environment) { gateway in
        try await MediaFixture.ready(gateway, fixture.loop)
        let asked = MediaFixture.request(
          "n", .ref(.init(hash: String(repeating: "0", count: 64), bytes: 5)))
        let fault = try await Self.refusal(fixture, asked)
        #expect(fault?.reason == "NO_BLOB_STORE")
        #expect(fault?.hint?.contains("ASSAY_GATEWAY_BLOBS") == true)
      }
      environment["ASSAY_GATEWAY_BLOBS"] = "\(fixture.folder)/nowhere"
      try await ChildTool.with(gateway, [], environment: environment) { gateway in
        try await eventually("it gives up", on: fixture.loop) { !gateway.isRunning }
        let lines = gateway.output.errorLines
        #expect(lines.contains { $0.contains("\(fixture.folder)/nowhere") }, "\(lines)")
      }
    }
  }
}
