import Descriptors
import Faults
import JSON
import RPC
import Testing
import TestingContract

@Suite struct MappingErrorTests {
  private let schema: SchemaSet

  init() throws {
    schema = try SchemaSet(reading: EchoMethods.descriptor.descriptorSet())
  }

  private func failure(_ json: JSONValue, as type: String = Features.wireName) -> MappingError? {
    do {
      _ = try JSONMapping(schema).bytes(of: json, as: type)
      return nil
    } catch {
      return error
    }
  }

  @Test func `an unknown field names its place and the nearest`() throws {
    let error = try #require(failure(["leaves": [[:], ["nmae": "x"]]]))
    #expect(error.code == .unknownField(nearest: "name"))
    #expect(error.path == "leaves[1].nmae")
    #expect(
      error.description
        == "leaves[1].nmae: assay.testing.v1.Leaf has no such field; did you mean 'name'?")
    #expect(error.fault.code == .invalidArgument)
    #expect(error.fault.violations.map(\.field) == ["leaves[1].nmae"])
    #expect(failure(["zzzzzzzzzz": 1])?.code == .unknownField(nearest: nil))
  }

  @Test func `an unknown enum value names the nearest`() {
    let error = failure(["shadesByName": ["k": "SHADE_LIHGT"]])
    #expect(error?.code == .unknownEnumValue(nearest: "SHADE_LIGHT"))
    #expect(error?.path == #"shadesByName["k"]"#)
  }

  @Test(
    arguments: [
      (["anInt32": true], "anInt32"), (["anInt32": "x"], "anInt32"), (["anInt32": [:]], "anInt32"),
      (["aBool": 1], "aBool"), (["aString": 5], "aString"), (["aBytes": []], "aBytes"),
      (["aLeaf": []], "aLeaf"), (["aShade": true], "aShade"), (["leaves": [:]], "leaves"),
      (["texts": []], "texts"), (["int32s": 5], "int32s"), (["int32s": [nil]], "int32s[0]"),
      (["countsByFlag": ["yes": 1]], #"countsByFlag["yes"]"#), (["at": 5], "at"),
      (["aDouble": "one"], "aDouble"), (["anything": ["x": 1]], "anything.@type"), ([], ""),
      (["leavesByNumber": ["x": [:]]], #"leavesByNumber["x"]"#), (["leaves": [nil]], "leaves[0]"),
    ] as [(JSONValue, String)])
  func `a value of the wrong kind names its place`(json: JSONValue, path: String) {
    let error = failure(json)
    guard case .wrongKind = error?.code else {
      Issue.record("\(json.text()) gave \(String(describing: error))")
      return
    }
    #expect(error?.path == path)
  }

  @Test(
    arguments: [
      ["anInt32": 2_147_483_648], ["anInt32": 0.5], ["aUint32": -1], ["aUint64": -1],
      ["anInt64": "9223372036854775808"], ["aUint64": "18446744073709551616"], ["aShade": 4e9],
      ["aFloat": 1e39], ["aSint32": -2_147_483_649], ["aFixed32": 4_294_967_296],
    ] as [JSONValue])
  func `a number out of range is refused`(json: JSONValue) {
    #expect(failure(json)?.code == .outOfRange, "\(json.text())")
  }

  @Test func `a double that is too large is refused`() throws {
    #expect(failure(["aDouble": "1e400"])?.code == .outOfRange)
  }

  @Test func `a field in both spellings, or two of a oneof, are refused`() {
    #expect(failure(["anInt32": 1, "an_int32": 1])?.code == .duplicateField)
    #expect(failure(["left": "a", "right": "b"])?.code == .oneofConflict)
    #expect(failure(["left": "a", "right": nil]) == nil)
  }

  @Test func `text that is no base64 or no time is refused`() {
    #expect(failure(["aBytes": "*"])?.code == .invalidBase64)
    #expect(failure(["at": "yesterday"])?.code == .invalidTime)
    #expect(failure(["took": "1"])?.code == .invalidTime)
    #expect(failure(["anything": ["@type": "x.Y", "value": "*"]])?.code == .invalidBase64)
  }

  @Test func `a type that nobody described is refused`() {
    #expect(failure([:], as: "x.Y")?.code == .unknownType)
    #expect(throws: MappingError.self) { try JSONMapping(schema).json(of: [], as: "x.Y") }
  }

  @Test func `bytes that are no message are refused with their place`() throws {
    let bad: [UInt8] = [0x8A, 1, 2, 10, 9]
    #expect { try JSONMapping(schema).json(of: bad, as: Features.wireName) } throws: { error in
      (error as? MappingError)?.code == .malformed && (error as? MappingError)?.path == "aLeaf"
    }
  }

  @Test func `messages nested without end are refused both ways`() throws {
    let file = Proto.file("a.proto", messages: [Proto.message("A", of: ".t.A")])
    let mapping = JSONMapping(try SchemaSet(files: [FileSchema(reading: file)]))
    var bytes: [UInt8] = []
    var json: JSONValue = [:]
    for _ in 0..<SchemaLimits.depthMax {
      var writer = WireWriter()
      writer.field(1, bytes: bytes)
      bytes = writer.bytes
      json = ["f": json]
    }
    #expect { try mapping.bytes(of: json, as: "t.A") } throws: {
      ($0 as? MappingError)?.code == .tooDeep
    }
    #expect { try mapping.json(of: bytes, as: "t.A") } throws: {
      ($0 as? MappingError)?.code == .tooDeep
    }
  }
}
