import GeneratorCore
import Testing

@Suite struct PluginProcessTests {
  @Test(.timeLimit(.minutes(1)))
  func `a long request and a long answer do not wait for each other`()
    throws
  {
    let request = [UInt8](repeating: 7, count: 4 << 20)
    #expect(try PluginProcess.run("cat", request) == request)
  }

  @Test func `a program that is missing or fails is an error with its name`() {
    #expect(throws: GenerationError.self) { try PluginProcess.run("no-such-program-here", []) }
    #expect { try PluginProcess.run("false", []) } throws: {
      ($0 as? GenerationError)?.message.hasPrefix("false failed with status") == true
    }
  }
}
