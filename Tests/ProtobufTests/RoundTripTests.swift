import Protobuf
import Testing
import TestingContract
import WellKnown

@Suite struct RoundTripTests {
  @Test func `a default message packs to nothing and nothing unpacks to it`() throws {
    #expect(Features().packed() == [])
    #expect(try Features(unpacking: []) == Features())
  }

  @Test func `every field comes back as it went`() throws {
    let message = Samples.full
    #expect(try Features(unpacking: message.packed()) == message)
  }

  @Test func `packing appends behind what is there`() throws {
    var bytes: [UInt8] = [1, 2, 3]
    let leaf = Leaf(name: "oak", weight: -7)
    leaf.appendPacked(to: &bytes)
    #expect(bytes.prefix(3) == [1, 2, 3])
    #expect(try Leaf(unpacking: Array(bytes.dropFirst(3))) == leaf)
  }

  @Test func `an absent optional differs from one at its default`() throws {
    var message = Features()
    message.maybeInt32 = 0
    message.maybeString = ""
    message.maybeBytes = []
    message.maybeBool = false
    message.maybeShade = .unspecified
    message.maybeLeaf = Leaf()
    let back = try Features(unpacking: message.packed())
    #expect(back == message)
    #expect(back.maybeInt32 == 0)
    #expect(back.maybeInt64 == nil)
  }

  @Test(arguments: Samples.picks)
  func `each field of a oneof comes back, also at its default`(pick: Features.Pick) throws {
    let message = Features(pick: pick)
    #expect(try Features(unpacking: message.packed()).pick == pick)
  }

  @Test func `strings keep NUL and every scalar`() throws {
    let text = "te\0nant \u{1F333} é \u{10FFFF}"
    #expect(try Leaf(unpacking: Leaf(name: text).packed()).name == text)
  }

  @Test func `an enum number without a name is kept`() throws {
    let message = Features(aShade: .unrecognized(77), shades: [.negative, .unrecognized(-9)])
    let back = try Features(unpacking: message.packed())
    #expect(back.aShade == .unrecognized(77))
    #expect(back.shades == [.negative, .unrecognized(-9)])
    #expect(back.aShade.name == "77")
  }

  @Test func `maps pack in the order of their keys`() throws {
    let texts = Dictionary(uniqueKeysWithValues: (0..<50).map { ("key \($0)", "\($0)") })
    let first = Features(texts: texts).packed()
    for _ in 0..<5 {
      var shuffled: [String: String] = [:]
      for (key, value) in texts.shuffled() { shuffled[key] = value }
      #expect(Features(texts: shuffled).packed() == first)
    }
    #expect(try Features(unpacking: first).texts == texts)
  }

  @Test func `of two singular values the last wins`() throws {
    let both = Features(anInt32: 1, aString: "a").packed() + Features(anInt32: 2).packed()
    #expect(try Features(unpacking: both) == Features(anInt32: 2, aString: "a"))
  }

  @Test func `unknown fields are dropped`() throws {
    let request = EchoRequest(text: "t", data: [1], times: 3)
    // A Speck knows no field at all.
    #expect(try Speck(unpacking: request.packed()).packed() == [])
  }
}
