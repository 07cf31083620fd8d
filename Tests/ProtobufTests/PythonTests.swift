import Protobuf
import RPC
import TestSupport
import Testing
import TestingContract

/// Python's protobuf reads what we write, and we read what it writes.
@Suite struct PythonTests {
  private static let rounds = 1_000

  private func python() -> PythonMessages {
    PythonMessages(
      descriptorSet: EchoMethods.descriptor.descriptorSet(), type: Features.wireName)
  }

  @Test(.timeLimit(.minutes(2)))
  func `what Python writes means the same to it after we wrote it again`() throws {
    var random = SeededRandom("PythonTests.toSwift")
    var generator = python()
    for _ in 0..<Self.rounds {
      generator.ask(.generate, (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
    let messages = try generator.answers().map { try #require($0) }
    #expect(Set(messages).count > Self.rounds / 2)
    var reader = python()
    for message in messages {
      reader.ask(.rewrite, message)
      reader.ask(.rewrite, try Features(unpacking: message).packed())
    }
    let answers = try reader.answers()
    for index in messages.indices {
      #expect(try #require(answers[2 * index]) == #require(answers[2 * index + 1]))
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `what we write means the same to us after Python wrote it again`() throws {
    var features = RandomFeatures(random: SeededRandom("PythonTests.toPython"))
    let messages = (0..<Self.rounds).map { _ in features.next().packed() }
    var python = python()
    for message in messages { python.ask(.rewrite, message) }
    for (message, answer) in zip(messages, try python.answers()) {
      let back = try Features(unpacking: try #require(answer))
      #expect(back.packed() == message)
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `damaged bytes are refused by both or mean the same to both`() throws {
    var random = SeededRandom("PythonTests.damaged")
    var features = RandomFeatures(random: random)
    var cases: [[UInt8]] = []
    for _ in 0..<100 {
      let message = features.next().packed()
      for _ in 0..<50 { cases.append(random.mutation(of: message)) }
      if !message.isEmpty {
        cases.append(Array(message.prefix(Int.random(in: 0..<message.count, using: &random))))
      }
    }
    var python = python()
    for bytes in cases {
      python.ask(.rewrite, bytes)
      // What we make of it, for Python to write in its own way.
      python.ask(.rewrite, (try? Features(unpacking: bytes))?.packed() ?? [])
    }
    let answers = try python.answers()
    var finder = try WireDifferenceFinder()
    var taken = 0
    for (index, bytes) in cases.enumerated() {
      let ours = try? Features(unpacking: bytes)
      let theirs = answers[2 * index]
      if ours != nil { taken += 1 }
      guard try finder.differences(in: bytes).isEmpty else { continue }
      let isSame = ours == nil ? theirs == nil : theirs == answers[2 * index + 1]
      #expect(isSame, "we took it: \(ours != nil), Python took it: \(theirs != nil), \(bytes)")
    }
    print("PythonTests.damaged: \(taken) of \(cases.count) damaged messages were still messages")
    #expect(taken > cases.count / 20)
  }
}
