import Descriptors
import JSON
import Protobuf
import RPC
import TestSupport
import Testing
import TestingContract

/// Python's JSON mapping reads what ours writes, and the other way round.
@Suite struct PythonJSONTests {
  private static let rounds = 300

  private func python() -> PythonMessages {
    PythonMessages(
      descriptorSet: EchoMethods.descriptor.descriptorSet(), type: Features.wireName)
  }

  private func messages(_ name: String) throws -> [[UInt8]] {
    var random = SeededRandom(name)
    var generator = python()
    for _ in 0..<Self.rounds {
      generator.ask(.generate, (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
    return try generator.answers().map { try #require($0) }
  }

  @Test(.timeLimit(.minutes(2)))
  func `Python reads our JSON as the same message`() throws {
    let schema = try SchemaSet(reading: EchoMethods.descriptor.descriptorSet())
    let messages = try messages("PythonJSONTests.ours")
    var python = python()
    for message in messages {
      let json = try JSONMapping(schema).json(of: message, as: Features.wireName)
      python.ask(.rewrite, message)
      python.ask(.fromJSON, json.bytes())
    }
    let answers = try python.answers()
    for index in messages.indices {
      #expect(try #require(answers[2 * index]) == #require(answers[2 * index + 1]))
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `we read Python's JSON as the same message`() throws {
    let schema = try SchemaSet(reading: EchoMethods.descriptor.descriptorSet())
    let messages = try messages("PythonJSONTests.theirs")
    var python = python()
    for message in messages { python.ask(.json, message) }
    for (message, answer) in zip(messages, try python.answers()) {
      let json = try JSONValue(parsing: try #require(answer))
      let bytes = try JSONMapping(schema).bytes(of: json, as: Features.wireName)
      #expect(try Features(unpacking: bytes).packed() == Features(unpacking: message).packed())
    }
  }
}
