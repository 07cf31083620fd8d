import TestingContract
import WellKnown

/// Messages that the suites share.
enum Samples {
  /// A value in every field.
  static let full: Features = {
    var message = Features(
      aDouble: -1.5, aFloat: 2.25, anInt32: .min, anInt64: .min, aUint32: .max, aUint64: .max,
      aSint32: -3, aSint64: .min, aFixed32: .max, aFixed64: .max, aSfixed32: -1, aSfixed64: .min,
      aBool: true, aString: "text", aBytes: [0, 255], aShade: .deepBlue,
      aLeaf: Leaf(name: "leaf", weight: -1), anInner: inner)
    message.maybeDouble = 0
    message.maybeFloat = -0.0
    message.maybeInt32 = -1
    message.maybeInt64 = 0
    message.maybeUint32 = 7
    message.maybeUint64 = 8
    message.maybeSint32 = -9
    message.maybeSint64 = -10
    message.maybeFixed32 = 11
    message.maybeFixed64 = 12
    message.maybeSfixed32 = -13
    message.maybeSfixed64 = -14
    message.maybeBool = false
    message.maybeString = "perhaps"
    message.maybeBytes = []
    message.maybeShade = .negative
    message.maybeLeaf = Leaf()
    addMany(to: &message)
    message.pick = .pickLeaf(Leaf(name: "picked"))
    message.other = .right("")
    message.at = Timestamp(seconds: 1_700_000_000, nanos: 5)
    message.took = WireDuration(seconds: -1, nanos: -500)
    message.nothing = Empty()
    message.anything = WireAny(typeUrl: "type.googleapis.com/x.Y", value: [1, 2])
    message.times = [Timestamp(), Timestamp(seconds: -1, nanos: 1)]
    message.class = 1
    message.default = "d"
    message.self_ = true
    message.description = "e"
    message.register = 2
    message.camelCaseName = "f"
    message.init_ = ["g", "h"]
    message.last = "last"
    return message
  }()

  private static let inner = Features.Inner(
    mood: .wild, innermost: .init(blob: [1], moods: [.calm, .wild, .unrecognized(5)]),
    leaves: [Leaf(name: "a"), Leaf()])

  private static func addMany(to message: inout Features) {
    message.doubles = [0, -.infinity, .greatestFiniteMagnitude]
    message.floats = [0, 1.5]
    message.int32s = [0, .min, .max]
    message.int64s = [0, .min, .max]
    message.uint32s = [0, .max]
    message.uint64s = [0, .max]
    message.sint32s = [0, .min, .max]
    message.sint64s = [0, .min, .max]
    message.fixed32s = [0, .max]
    message.fixed64s = [0, .max]
    message.sfixed32s = [0, .min]
    message.sfixed64s = [0, .min]
    message.bools = [true, false, true]
    message.strings = ["", "a\0b", "é"]
    message.blobs = [[], [0], [1, 2, 3]]
    message.shades = [.light, .negative, .largest, .unrecognized(42)]
    message.leaves = [Leaf(), Leaf(name: "b", weight: 2)]
    message.specks = [Speck(), Speck()]
    message.unpackedInt32s = [3, -4]
    message.unpackedShades = [.light, .negative]
    message.texts = ["k": "v", "": ""]
    message.leavesByNumber = [-1: Leaf(name: "n"), 0: Leaf()]
    message.countsByFlag = [true: 1, false: -1]
    message.blobsById = [.max: [9], 0: []]
    message.shadesByName = ["s": .deepBlue, "t": .unrecognized(9)]
    message.doublesBySint = [-5: 0.5]
    message.floatsByFixed = [7: -2.5]
    message.flagsByInt = [.min: true]
    message.durationsByName = ["d": WireDuration(seconds: 3)]
  }

  static let picks: [Features.Pick] = [
    .pickDouble(0), .pickFloat(0), .pickInt32(-1), .pickInt64(0), .pickUint32(0), .pickUint64(.max),
    .pickSint32(.min), .pickSint64(0), .pickFixed32(0), .pickFixed64(1), .pickSfixed32(-1),
    .pickSfixed64(0), .pickBool(false), .pickString(""), .pickString("a\0"), .pickBytes([]),
    .pickShade(.unspecified), .pickShade(.unrecognized(100)), .pickLeaf(Leaf()),
    .pickLeaf(Leaf(name: "x")), .pickNothing(Empty()),
  ]
}
