import Failpoints
import Testing

/// What arms a failpoint, and that an unarmed one does nothing. That an armed one ends the process
/// is seen by the crash tests, on real services.
@Suite struct FailpointTests {
  @Test func `an order says where, when and what`() {
    let order = Failpoint.Order("store.commit.before-write:3:abort")
    #expect(order == Failpoint.Order(name: "store.commit.before-write", count: 3))
    #expect(order?.text == "store.commit.before-write:3:abort")
  }

  @Test(arguments: [
    "", "a", "a:1", "a:0:abort", "a:-1:abort", "a:x:abort", ":1:abort", "a:1:sleep",
  ])
  func `anything else is no order`(_ text: String) {
    #expect(Failpoint.Order(text) == nil)
  }

  @Test func `passing an unarmed failpoint changes nothing`() {
    Failpoint.pass("tests.unarmed")
  }
}
