package import GatewayCatalog
import Locking

/// Whom a door lets in and what it offers them, as it stands at this moment; every request looks
/// once, so that a change holds from the next one on.
package final class DoorDirectory: Sendable {
  private struct State {
    var callers = CallerDirectory()
    var catalog = Catalog()
  }

  private let state = Lock(State())

  package init() {}

  package var callers: CallerDirectory { state.withLock { $0.callers } }
  package var catalog: Catalog { state.withLock { $0.catalog } }

  package func set(_ callers: CallerDirectory, _ catalog: Catalog) {
    state.withLock { $0 = State(callers: callers, catalog: catalog) }
  }
}
