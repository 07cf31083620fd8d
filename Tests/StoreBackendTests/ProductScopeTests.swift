import Faults
import StoreBackend
import Testing

@Suite struct ProductScopeTests {
  @Test(arguments: ["a", "default", "team-7.eu", String(repeating: "x", count: 63)])
  func `a name is kept`(_ name: String) throws {
    #expect(try ProductScope(name).name == name)
  }

  @Test(arguments: ["", "A", "a b", "a/b", "ä", String(repeating: "x", count: 64), "a\0"])
  func `what is no name is refused`(_ name: String) {
    #expect { try ProductScope(name) } throws: { ($0 as? Fault)?.reason == "BAD_PRODUCT" }
  }
}
