// StoreBackend: what a keeper of facts must do, as two protocols over plain values: one writer
// that takes orders in groups, and readers beside it. SQLite implements them, PostgreSQL can, and
// `StoreModel` here does so in memory as the oracle of both and the store of simulations. It opens
// no socket, reads no clock and makes no ids: times and ids come with the orders.
// Limits: `StoreLimits`.

package import Faults
package import ScoreContract
package import StoreContract

/// The one writer of a database: takes a group of orders, answers when all of them are on disk.
///
/// Blocking; used by one thread at a time.
package protocol StoreWriting: AnyObject {
  /// One transaction for the group, in its order. An order that fails changes nothing and fails
  /// alone; a failure of the disk fails all. What succeeded is durable when this returns.
  func write(_ orders: [WriteOrder], atMicroseconds now: Int64) -> [Result<WriteReceipt, Fault>]

  /// Leases as they were written: all that the file knows, for a store that has just started.
  func leases() throws(Fault) -> [StoredLease]

  /// Runs that are not ended, not paused and not awaiting approval: they want an owner. Also
  /// those that are, when something is requested of them.
  func runsWantingOwner() throws(Fault) -> [RunName]
}

/// One change that the store is asked for.
package enum WriteOrder: Sendable, Equatable {
  case createRun(ProductScope, CreateRunRequest)
  case requestOfRun(ProductScope, RequestOfRunRequest)
  /// Checked and digested where the call arrived: `WriteOrder.commit(_:_:) throws` makes it.
  case commit(ProductScope, CommitOrder)
  case putRubric(ProductScope, Rubric)
  case putLabels(ProductScope, [Label])
  /// Gives the name to the session under a higher token than it ever had; whether somebody else
  /// holds it is decided before, by who lives.
  case acquireLease(ProductScope, name: String, session: String)
  /// Nobody holds it any more, unless another token does.
  case endLease(ProductScope, name: String, token: UInt64)
}

/// What became of an order.
package enum WriteReceipt: Sendable, Equatable {
  case runCreated(CreateRunResponse, events: [Event])
  case runRequested(RequestOfRunResponse, events: [Event])
  /// `wantsOwner`: whether somebody must go on working on the run.
  case committed(CommitResponse, events: [Event], state: RunState, wantsOwner: Bool)
  case rubricPut(wasKnown: Bool)
  case labelsPut(added: Int, known: Int)
  case leaseAcquired(token: UInt64)
  case leaseEnded
}

/// A lease as the file has it.
package struct StoredLease: Sendable, Equatable {
  package let product: ProductScope
  package let name: String
  package let session: String
  package let token: UInt64

  package init(product: ProductScope, name: String, session: String, token: UInt64) {
    self.product = product
    self.name = name
    self.session = session
    self.token = token
  }
}

/// A run among those of all products.
package struct RunName: Sendable, Hashable {
  package let product: ProductScope
  package let runID: String

  package init(product: ProductScope, runID: String) {
    self.product = product
    self.runID = runID
  }
}
