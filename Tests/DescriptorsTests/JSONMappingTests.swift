import Descriptors
import JSON
import Protobuf
import RPC
import TestSupport
import Testing
import TestingContract
import WellKnown

@Suite struct JSONMappingTests {
  private let mapping: JSONMapping
  private let type = Features.wireName

  init() throws {
    mapping = JSONMapping(try SchemaSet(reading: EchoMethods.descriptor.descriptorSet()))
  }

  private func features(_ json: JSONValue) throws -> Features {
    try Features(unpacking: try mapping.bytes(of: json, as: type))
  }

  @Test func `JSON becomes the message`() throws {
    let message = try features([
      "anInt32": -5, "an_int64": "-9223372036854775808", "aUint64": 18, "aDouble": "NaN",
      "aFloat": 0.5, "aBool": true, "aString": "é\0", "aBytes": "AP8", "aShade": "SHADE_DEEP_BLUE",
      "aLeaf": ["name": "n"], "maybeInt32": 0, "maybeShade": -5,
      "int32s": [1, "2", 3.0], "strings": ["a", ""], "unpackedInt32s": [7],
      "leaves": [["weight": "4"], [:]], "pickString": "", "right": "r",
      "leavesByNumber": ["-1": ["name": "m"]], "countsByFlag": ["true": 3],
      "at": "2023-11-14T22:13:20.000000005Z", "took": "-1.5s", "nothing": [:], "class": 9,
    ])
    #expect(message.aDouble.isNaN)
    var expected = Features(
      aFloat: 0.5, anInt32: -5, anInt64: .min, aUint64: 18, aBool: true, aString: "é\0",
      aBytes: [0, 255], aShade: .deepBlue, aLeaf: Leaf(name: "n"))
    expected.aDouble = 1
    expected.maybeInt32 = 0
    expected.maybeShade = .negative
    expected.int32s = [1, 2, 3]
    expected.strings = ["a", ""]
    expected.unpackedInt32s = [7]
    expected.leaves = [Leaf(weight: 4), Leaf()]
    expected.pick = .pickString("")
    expected.other = .right("r")
    expected.leavesByNumber = [-1: Leaf(name: "m")]
    expected.countsByFlag = [true: 3]
    expected.at = Timestamp(seconds: 1_700_000_000, nanos: 5)
    expected.took = WireDuration(seconds: -1, nanos: -500_000_000)
    expected.nothing = Empty()
    expected.class = 9
    var comparable = message
    comparable.aDouble = 1
    #expect(comparable == expected)
  }

  @Test func `null means absent`() throws {
    #expect(
      try features(["aString": nil, "aLeaf": nil, "leaves": nil, "pickLeaf": nil]) == Features())
  }

  @Test func `the message becomes JSON, absent fields left out`() throws {
    let message = Features(
      anInt64: 5, aBytes: [0, 255], aShade: .unrecognized(99), uint64s: [1, .max],
      blobsById: [7: [1]], at: Timestamp(seconds: 1))
    let json = try mapping.json(of: message.packed(), as: type)
    #expect(
      json.text()
        == #"{"anInt64":"5","aBytes":"AP8=","aShade":99,"#
        + #""uint64s":["1","18446744073709551615"],"blobsById":{"7":"AQ=="},"#
        + #""at":"1970-01-01T00:00:01Z"}"#)
  }

  @Test func `defaults are written when they are asked for, but not absent optionals`() throws {
    let all = JSONMapping(
      try SchemaSet(reading: EchoMethods.descriptor.descriptorSet()), includesDefaults: true)
    let json = try all.json(of: [], as: Leaf.wireName)
    #expect(json.text() == #"{"name":"","weight":"0"}"#)
    let features = try all.json(of: [], as: type)
    #expect(features["maybeInt32"] == nil)
    #expect(features["aLeaf"] == nil)
    #expect(features["leaves"] == [])
    #expect(features["texts"] == [:])
    #expect(features["aShade"] == "SHADE_UNSPECIFIED")
  }

  @Test func `an Any opens when its type is known, and else keeps its bytes`() throws {
    let url = "type.googleapis.com/assay.testing.v1.Leaf"
    let known = Features(anything: WireAny(typeUrl: url, value: Leaf(name: "x").packed()))
    let json = try mapping.json(of: known.packed(), as: type)
    #expect(json.text() == #"{"anything":{"@type":"\#(url)","name":"x"}}"#)
    #expect(try features(json) == known)

    let unknown = Features(anything: WireAny(typeUrl: "t/x.Y", value: [1, 2]))
    let closed = try mapping.json(of: unknown.packed(), as: type)
    #expect(closed.text() == #"{"anything":{"@type":"t/x.Y","value":"AQI="}}"#)
    #expect(try features(closed) == unknown)

    let special = "type.googleapis.com/google.protobuf.Duration"
    let span = Features(
      anything: WireAny(typeUrl: special, value: WireDuration(seconds: 2).packed()))
    let text = try mapping.json(of: span.packed(), as: type)
    #expect(text.text() == #"{"anything":{"@type":"\#(special)","value":"2s"}}"#)
    #expect(try features(text) == span)
    #expect(try features(["anything": [:]]).anything == WireAny())
  }

  @Test func `a message given twice merges, and of a oneof the last stays`() throws {
    let twice =
      Features(aLeaf: Leaf(name: "n")).packed() + Features(aLeaf: Leaf(weight: 2)).packed()
    #expect(try mapping.json(of: twice, as: type).text() == #"{"aLeaf":{"name":"n","weight":"2"}}"#)
    let both =
      Features(pick: .pickString("first")).packed() + Features(pick: .pickBool(true)).packed()
    #expect(try mapping.json(of: both, as: type).text() == #"{"pickBool":true}"#)
  }

  @Test func `unknown fields are left out`() throws {
    let request = EchoRequest(text: "t", data: [1], times: 3).packed()
    #expect(try mapping.json(of: request, as: Speck.wireName) == [:])
  }

  @Test func `damaged messages never crash`() {
    var random = SeededRandom("JSONMappingTests")
    let message = Features(
      aLeaf: Leaf(name: "n", weight: 3), int32s: [1, 2, 3], leaves: [Leaf(name: "a")],
      texts: ["k": "v"], at: Timestamp(seconds: 5), anything: WireAny(typeUrl: "t", value: [8]))
    let bytes = message.packed()
    var taken = 0
    for _ in 0..<3_000 {
      if let json = try? mapping.json(of: random.mutation(of: bytes), as: type) {
        taken += 1
        #expect(json.objectValue != nil)
      }
    }
    #expect(taken > 100)
  }
}
