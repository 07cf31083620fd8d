// Failpoints: named places where a test may make this process end, so that a crash at any moment
// can be tried instead of imagined. One is armed by ASSAY_FAILPOINT=name:count:abort in the
// environment and at no other time; unarmed, passing one costs one load. It never changes what
// the program does beside ending it. Limits: one armed failpoint a process.

import Glibc
import Synchronization

/// A named place in the program where it may be made to end.
///
/// Names stand in the source as literals, `Failpoint.pass("…")`, so that
/// the list of all of them is read from there and none can be forgotten.
package enum Failpoint {
  /// The variable that arms one.
  package static let variable = "ASSAY_FAILPOINT"

  private final class Arming: Sendable {
    let name: String
    let remaining: Atomic<Int>

    init(name: String, count: Int) {
      self.name = name
      remaining = Atomic(count)
    }
  }

  private static let armed: Arming? = {
    guard let value = unsafe getenv(variable) else { return nil }
    guard let order = Order(unsafe String(cString: value)) else { return nil }
    return Arming(name: order.name, count: order.count)
  }()

  /// Ends the process when this is the armed place, passed for the count-th time.
  @inline(__always)
  package static func pass(_ name: StaticString) {
    guard let armed else { return }
    hit(armed, name)
  }

  private static func hit(_ armed: Arming, _ name: StaticString) {
    guard armed.name == name.description else { return }
    guard armed.remaining.subtract(1, ordering: .relaxed).newValue == 0 else { return }
    let line = "failpoint \(armed.name) reached: ending this process\n"
    _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
    // As a crash would: no handler, no flush, nothing said to anybody.
    kill(getpid(), SIGKILL)
  }

  /// `name:count:abort` as values.
  package struct Order: Equatable, Sendable {
    package let name: String
    /// From 1: the count-th passing ends the process.
    package let count: Int

    package init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, parts[2] == "abort", !parts[0].isEmpty, let count = Int(parts[1]),
        count > 0
      else { return nil }
      name = String(parts[0])
      self.count = count
    }

    package var text: String { "\(name):\(count):abort" }

    package init(name: String, count: Int) {
      self.name = name
      self.count = count
    }
  }
}
