// GatewayFixtures: a gateway, a simulator and their accounts as real processes, for the tests that
// ask them. It decides nothing that is tested; what it cannot do is an error of the test.

import TestSupport

/// The value, or an error that ends the test and says what was there instead.
@discardableResult
package func required<Value>(_ value: Value?, _ instead: String) throws -> Value {
  guard let value else { throw ChildTool.Failure(description: instead) }
  return value
}
