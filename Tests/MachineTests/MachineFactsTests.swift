import Glibc
import Machine
import Testing

@Suite struct MachineFactsTests {
  @Test func `the kernel says its release, limits and space`() throws {
    #expect(MachineFacts.kernelRelease.first?.isNumber == true)
    let limit = try #require(MachineFacts.descriptorLimit)
    #expect(limit.soft > 0 && limit.soft <= limit.hard)
    let space = try #require(MachineFacts.space(at: "/"))
    #expect(space.total > 0 && space.free <= space.total)
    #expect(MachineFacts.space(at: "/nowhere") == nil)
    #expect(MachineFacts.secondsSince1970 > 1_700_000_000)
    #expect(MachineFacts.processorCount >= 1)
  }

  @Test func `variables are seen as they are now`() {
    unsafe setenv("ASSAY_TEST_VARIABLE", "a=b", 1)
    defer { unsafe unsetenv("ASSAY_TEST_VARIABLE") }
    #expect(EnvironmentVariables.current["ASSAY_TEST_VARIABLE"] == "a=b")
    #expect(EnvironmentVariables.current["PATH"] != nil)
  }

  @Test(arguments: [("", ""), (" \n\t", ""), (" a b\n", "a b"), ("é ", "é")])
  func `white space goes from both ends`(_ text: String, _ trimmed: String) {
    #expect(text.trimmed == trimmed)
  }
}
