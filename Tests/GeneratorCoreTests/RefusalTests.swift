import Descriptors
import GeneratorCore
import TestSupport
import Testing

/// Protos that our messages could not carry safely, and requests that make no sense.
@Suite struct RefusalTests {
  private func error(_ request: PluginRequest) throws -> String? {
    let generator = Generator { $0 }
    return try PluginResponse(generator.respond(to: request.packed())).error
  }

  @Test func `a message that reaches itself is refused with the way`() throws {
    let file = ProtoFile(
      name: "t.proto",
      messages: [
        ProtoMessage(name: "A", fields: [ProtoField(name: "b", kind: .message, type: ".t.B")]),
        ProtoMessage(name: "B", fields: [ProtoField(name: "a", kind: .message, type: ".t.A")]),
      ])
    #expect(
      try error(PluginRequest(files: [file]))
        == "recursive messages are refused: t.A → t.B → t.A")
  }

  @Test func `proto2 is refused`() throws {
    let file = ProtoFile(name: "t.proto", syntax: "proto2")
    #expect(try error(PluginRequest(files: [file])) == "t.proto is not proto3")
  }

  @Test func `two types of one Swift name are refused, and a prefix tells them apart`() throws {
    let one = ProtoFile(name: "a.proto", package: "a", messages: [ProtoMessage(name: "M")])
    var two = ProtoFile(name: "t.proto", messages: [ProtoMessage(name: "M")])
    var request = PluginRequest(files: [one, two])
    request.parameter = "mode=swift,module=M,wire=CM,at.a.proto=M,at.t.proto=M"
    #expect(try error(request)?.contains("a.M and t.M are both M in M") == true)
    two.swiftPrefix = "Two"
    request.files = [one, two]
    #expect(try error(request) == nil)
  }

  @Test func `public imports are refused`() throws {
    let file = ProtoFile(name: "t.proto", publicImports: [0])
    var request = PluginRequest(files: [file])
    request.parameter = "mode=c,module=M,wire=CM"
    #expect(try error(request) == "public and weak imports are refused")
  }

  @Test(arguments: ["", "mode=swift", "mode=rust,module=M,wire=C", "module=M,wire=C,x=y", "mode"])
  func `options that make no sense are refused`(parameter: String) throws {
    var request = PluginRequest()
    request.parameter = parameter
    #expect(try error(request) != nil)
  }

  @Test func `damaged requests are answered, never a crash`() throws {
    var random = SeededRandom("GeneratorCore.RefusalTests")
    let message = ProtoMessage(
      name: "M", fields: [ProtoField(name: "f", kind: .string), ProtoField(name: "g", oneof: 0)],
      oneofs: ["o"])
    let bytes = PluginRequest(files: [ProtoFile(name: "t.proto", messages: [message])]).packed()
    var refused = 0
    for _ in 0..<1_000 {
      let answer = Generator { $0 }.respond(to: random.mutation(of: bytes))
      if try PluginResponse(answer).error != nil { refused += 1 }
    }
    #expect(refused > 300)
  }
}
