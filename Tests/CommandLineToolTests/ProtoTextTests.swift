import CommandLineTool
import Descriptors
import RPC
import Testing
import TestingContract

@Suite struct ProtoTextTests {
  private func text() throws -> ProtoText {
    ProtoText(try SchemaSet(reading: EchoMethods.descriptor.descriptorSet()))
  }

  @Test func `all kinds of methods are written as the proto has them`() throws {
    let lines = try #require(try text().text(of: "assay.testing.v1.Echo")).split(separator: "\n")
    #expect(lines.first == "service assay.testing.v1.Echo {")
    #expect(lines.contains { $0.contains("(stream ") && $0.contains("returns (stream ") })
    #expect(lines.contains { $0.contains("(stream ") && !$0.contains("returns (stream ") })
    #expect(lines.contains { $0.contains("Expand(assay.") && $0.contains("returns (stream ") })
  }

  @Test func `maps, oneofs, optionals and repeated fields are told apart`() throws {
    let whole = try text()
    let schema = try SchemaSet(reading: EchoMethods.descriptor.descriptorSet())
    let service = try #require(schema.service("assay.testing.v1.Echo"))
    let all = whole.types(of: service).compactMap { whole.text(of: $0) }.joined()
    for word in ["map<string, ", "  oneof ", "  optional ", "  repeated ", "enum ", "bytes "] {
      #expect(all.contains(word), "\(word)")
    }
    #expect(!all.contains("Entry {"), "map entries are made by protoc")
    let opened = all.count { $0 == "{" }
    #expect(opened == all.count { $0 == "}" } && opened > 5)
  }

  @Test func `a method by itself, and nothing for what is not there`() throws {
    let whole = try text()
    #expect(try #require(whole.text(of: "assay.testing.v1.Echo.Say")).hasPrefix("rpc Say("))
    for name in ["", ".", "assay.testing.v1.Echo.No", "no.Such", "assay.testing.v1"] {
      #expect(whole.text(of: name) == nil)
    }
  }
}
