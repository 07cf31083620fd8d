import Descriptors
import RPC
import TestSupport
import Testing
import TestingContract

@Suite struct SchemaSetTests {
  private static func set(_ descriptor: ServiceDescriptor) throws -> SchemaSet {
    try SchemaSet(reading: descriptor.descriptorSet())
  }

  @Test func `our own set names its services, methods and types`() throws {
    let schema = try Self.set(EchoMethods.descriptor)
    #expect(schema.serviceNames == ["assay.testing.v1.Echo"])
    let service = try #require(schema.service("assay.testing.v1.Echo"))
    #expect(
      service.methods.map(\.name) == [
        "Say", "SayAgain", "Expand", "Collect", "Chat", "Mirror", "Private", "ForStore",
      ])
    let chat = try #require(service.methods.first { $0.name == "Chat" })
    #expect(chat.isClientStreaming && chat.isServerStreaming)
    #expect(chat.inputName == "assay.testing.v1.EchoRequest")
    #expect(
      schema.file(defining: "assay.testing.v1.Leaf")?.name.hasSuffix("features.proto") == true)
    #expect(schema.message("assay.testing.v1.Features.Inner.Innermost")?.fields.count == 2)
    #expect(schema.enum("assay.testing.v1.Shade")?.values.last?.number == .max)
    #expect(schema.message("assay.testing.v1.Nobody") == nil)
  }

  @Test func `a set is whole: every import is in it, before what imports it`() throws {
    let schema = try Self.set(EchoMethods.descriptor)
    var seen: Set<String> = []
    for file in schema.files {
      #expect(seen.isSuperset(of: file.dependencies), "\(file.name)")
      seen.insert(file.name)
    }
    #expect(!seen.contains("google/protobuf/descriptor.proto"))
  }

  @Test func `options stay as raw fields, our extension included`() throws {
    let schema = try Self.set(EchoMethods.descriptor)
    let methods = try #require(schema.service("assay.testing.v1.Echo")).methods
    let forStore = try #require(methods.first { $0.name == "ForStore" })
    #expect(forStore.options.bytes(50719) == [10, 5] + Array("store".utf8))
    let mirror = try #require(methods.first { $0.name == "Mirror" })
    #expect(mirror.options.varint(34) == 1)
  }

  @Test func `fields know their presence, packing and JSON name`() throws {
    let schema = try Self.set(EchoMethods.descriptor)
    let features = try #require(schema.message("assay.testing.v1.Features"))
    let maybe = try #require(features.field(number: 23))
    #expect(maybe.isProto3Optional && maybe.oneofIndex != nil && maybe.jsonName == "maybeInt32")
    #expect(features.field(number: 59)?.packedOption == false)
    #expect(features.field(number: 43)?.packedOption == nil)
    #expect(features.field(number: 91)?.isRepeated == true)
    #expect(schema.message("assay.testing.v1.Features.TextsEntry")?.isMapEntry == true)
  }

  @Test func `an unknown type, a name twice and a deep nest are refused with a name`() throws {
    let lost = Proto.file("a.proto", messages: [Proto.message("A", of: ".t.B")])
    #expect(throws: SchemaError(.unknownType, "t.A.f is of t.B, unknown")) {
      try SchemaSet(files: [FileSchema(reading: lost)])
    }
    let plain = Proto.file("a.proto", messages: [Proto.message("A", of: nil)])
    #expect(throws: SchemaError(.duplicateName, "t.A is defined twice")) {
      try SchemaSet(files: [FileSchema(reading: plain), FileSchema(reading: plain)])
    }
    var nest = Proto.message("A", of: nil)
    for _ in 0..<SchemaLimits.depthMax { nest = Proto.message("A", of: nil, inside: nest) }
    #expect { try FileSchema(reading: Proto.file("a.proto", messages: [nest])) } throws: {
      ($0 as? SchemaError)?.code == .tooDeep
    }
  }

  @Test func `a cycle of messages is found and named`() throws {
    let file = Proto.file(
      "a.proto",
      messages: [
        Proto.message("A", of: ".t.B"), Proto.message("B", of: ".t.C"),
        Proto.message("C", of: ".t.B"), Proto.message("D", of: nil),
      ])
    let schema = try SchemaSet(files: [FileSchema(reading: file)])
    #expect(schema.cycle(from: "t.A") == ["t.B", "t.C", "t.B"])
    #expect(schema.cycle(from: "t.B") == ["t.B", "t.C", "t.B"])
    #expect(schema.cycle(from: "t.D") == nil)
  }

  @Test func `damaged descriptor sets never crash`() throws {
    var random = SeededRandom("SchemaSetTests")
    let set = EchoMethods.descriptor.descriptorSet()
    var refused = 0
    for _ in 0..<300 where (try? SchemaSet(reading: random.mutation(of: set))) == nil {
      refused += 1
    }
    #expect(refused > 30)
  }
}
