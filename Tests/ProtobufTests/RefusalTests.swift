import Faults
import Glibc
import Protobuf
import TestSupport
import Testing
import TestingContract
import WellKnown

/// Bytes that are not a message, or are one that nobody should accept.
@Suite struct RefusalTests {
  private func refusal<Message: WireMessage>(
    _ bytes: [UInt8], as type: Message.Type
  ) -> WireError? {
    do {
      _ = try Message(unpacking: bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test func `no prefix of a message crashes`() {
    let bytes = Samples.full.packed()
    var refused = 0
    for count in bytes.indices where refusal(Array(bytes.prefix(count)), as: Features.self) != nil {
      refused += 1
    }
    // A prefix that ends between two fields is a message.
    #expect(refused > bytes.count * 3 / 4)
  }

  @Test func `random bytes never crash and what they mean is stable`() throws {
    var random = SeededRandom("RefusalTests")
    var taken = 0
    for _ in 0..<20_000 {
      // Mostly keys of known fields and short lengths, so that some of it is a message.
      let bytes = random.bytes(countMax: 40, from: [8, 10, 0, 1, 2, 0x72, 0x7A, 0x8A, 0xCA, 0xFF])
      #expect(throws: Never.self) { try UnpackingCheck.run(bytes) }
      if refusal(bytes, as: Features.self) == nil { taken += 1 }
    }
    #expect(taken > 100)
  }

  @Test func `a truncated message is malformed and says of which type`() {
    let error = refusal([10, 200], as: Leaf.self)
    #expect(error == WireError(.malformed, messageName: "assay.testing.v1.Leaf"))
    #expect(error?.fault.code == .invalidArgument)
    #expect(error?.fault.reason == "MESSAGE_MALFORMED")
  }

  @Test(arguments: [[0xFF, 0xFE], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]])
  func `a string that is not UTF-8 is refused with its field`(text: [UInt8]) {
    let error = refusal([10, UInt8(text.count)] + text, as: Leaf.self)
    #expect(error?.code == .invalidUTF8(field: "assay.testing.v1.Leaf.name"))
    #expect(error?.messageName == "assay.testing.v1.Leaf")
    #expect(error?.fault.code == .invalidArgument)
    #expect(error?.fault.violations.map(\.field) == ["assay.testing.v1.Leaf.name"])
  }

  @Test func `bad UTF-8 is refused in lists, maps, oneofs and optionals`() {
    let bad: [UInt8] = [2, 0xFF, 0xFE]
    // strings = 54, texts = 91 with the bad key at 1, pick_string = 74, maybe_string = 34
    for bytes: [UInt8] in [
      [0xB2, 3] + bad, [0xDA, 5, 4, 10] + bad, [0xD2, 4] + bad, [0x92, 2] + bad,
    ] {
      guard case .invalidUTF8 = refusal(bytes, as: Features.self)?.code else {
        Issue.record("\(bytes) was not refused for its text")
        continue
      }
    }
  }

  @Test func `a message above the limit of all is refused unread`() {
    let bytes = [UInt8](repeating: 0, count: WireLimits.messageBytesMax + 1)
    let error = refusal(bytes, as: Leaf.self)
    #expect(error?.code == .tooLarge)
    #expect(error?.fault.code == .resourceExhausted)
  }

  @Test func `a mebibyte of two-byte messages is refused in bounded memory`() async {
    await #expect(processExitsWith: .success) {
      let bytes = [UInt8](repeating: 0, count: 1 << 20).enumerated().map { index, _ in
        index % 2 == 0 ? UInt8(10) : 0
      }
      let before = Memory.peakBytes
      do throws(WireError) {
        _ = try BadRequest(unpacking: bytes)
        exit(3)
      } catch {
        // protobuf-c would take 100 MiB, Swift's array 64 more.
        let isBounded =
          Memory.peakBytes - before <= WireLimits.arenaBytesMax(for: bytes.count) + (4 << 20)
        exit(error.code == .arenaExhausted ? isBounded ? 0 : 5 : 4)
      }
    }
  }

  @Test func `memory for Swift's own arrays counts against the bound`() {
    // inners = 106: three bytes each on the wire, less than the bound in C, more with Swift's.
    let inners = (0..<100_000).flatMap { _ in [UInt8](arrayLiteral: 0xD2, 6, 0) }
    #expect(refusal(inners, as: Features.self)?.code == .arenaExhausted)
    // specks = 58: nothing in Swift.
    let specks = (0..<100_000).flatMap { _ in [UInt8](arrayLiteral: 0xD2, 3, 0) }
    #expect(refusal(specks, as: Features.self) == nil)
  }

  @Test func `a large message of ordinary shape is taken`() throws {
    let leaves = (0..<20_000).map { Leaf(name: "leaf number \($0)", weight: Int64($0)) }
    let message = Features(aBytes: [UInt8](repeating: 7, count: 1 << 20), leaves: leaves)
    #expect(try Features(unpacking: message.packed()) == message)
  }
}

/// The memory of this process.
private enum Memory {
  /// The most that it ever held.
  static var peakBytes: Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss << 10
  }
}
