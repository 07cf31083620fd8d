import Failpoints
package import Faults
import SQLite
package import StoreBackend
import StoreJournal

/// The one writer of a database file, and its only checkpointer.
///
/// Each order is decided upon before anything of it is written, so one that is refused leaves no
/// trace and needs no savepoint. What is nearly always true is not asked first but left to the
/// schema's own rules. Not thread safe.
package final class SQLiteWriter: StoreWriting {
  let connection: Connection
  let path: String
  /// Nil when each commit is synced for itself.
  var journal: OrderJournal?
  /// The group that is being written, as the journal has it.
  var entry: OrderJournal.Entry?
  /// The number of the group that is done again.
  var redoing: Int64?
  /// The last group of the journal that the file holds.
  var applied: Int64 = 0
  /// What the latest group that was taken back stumbled over.
  var setback: SQLiteError?
  /// Why there is no journal where there should be one.
  package var journalAbsence: String?
  /// What the group's transaction stumbled over; the whole of it is taken back then.
  private(set) var failure: SQLiteError?
  /// Ids of verdicts and calls are expected to be new, and their rows find out. When one is not,
  /// the group is taken back once and its orders look before they write.
  private(set) var looksFirst = false
  /// Set for good by a disk that failed: what it wrote before is not known any more.
  private var broken: Fault?
  private var nextCheckpointPages = SQLiteStoreLimits.walPagesSoftMax

  // What the writer remembers of its own file. Forgotten whenever a group is taken back.
  var products: [ProductScope: Int64] = [:]
  var runs: [RunName: WrittenRun] = [:]
  var changedRuns: [WrittenRun] = []
  private var heldLeases: [LeaseName: StoredLease]?

  struct LeaseName: Hashable {
    let product: ProductScope
    let name: String
  }

  init(_ connection: Connection, path: String) {
    self.connection = connection
    self.path = path
  }

  // MARK: - Groups

  package func write(
    _ orders: [WriteOrder], atMicroseconds now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    // For a caller that does not tidy up between its groups.
    checkpointIfDue()
    if let broken { return orders.map { _ in .failure(broken) } }
    if orders.isEmpty { return [] }
    do {
      return try attempt(orders, at: now)
    } catch {
      return takeBack(orders, error, at: now)
    }
  }

  private func attempt(
    _ orders: [WriteOrder], at now: Int64
  ) throws(SQLiteError) -> [Result<WriteReceipt, Fault>] {
    failure = nil
    if runs.count > SQLiteStoreLimits.runsKeptMax { runs.removeAll() }
    Failpoint.pass("store.group.before-begin")
    try beginEntry(for: orders, at: now)
    try connection.begin(.writing)
    var results: [Result<WriteReceipt, Fault>] = []
    results.reserveCapacity(orders.count)
    for order in orders {
      results.append(Result { () throws(Fault) in try perform(order, at: now) })
      if let failure { throw failure }
    }
    try writeChangedRuns()
    try writeApplied()
    try commitEntry()
    Failpoint.pass("store.group.after-commit")
    return results
  }

  /// Nothing of the group is kept. A disk that is full or broken refuses all; a row that a rule
  /// of the schema refuses is looked for by trying each order alone.
  private func takeBack(
    _ orders: [WriteOrder], _ error: SQLiteError, at now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    connection.rollBack()
    forget()
    setback = error
    if error.code != .io {
      do { try takeBackEntry() } catch { return takeBack(orders, error, at: now) }
    }
    entry = nil
    let fault = error.storeFault(path)
    switch error.code {
    case .io, .damaged:
      broken = fault
      return orders.map { _ in .failure(fault) }
    case .full, .busy, .inaccessible: return orders.map { _ in .failure(fault) }
    case .constraint where !looksFirst:
      looksFirst = true
      defer { looksFirst = false }
      return write(orders, atMicroseconds: now)
    case .constraint, .misuse, .tooLarge, .interrupted:
      if orders.count == 1 { return [.failure(fault)] }
      return orders.flatMap { write([$0], atMicroseconds: now) }
    }
  }

  private func forget() {
    products.removeAll()
    runs.removeAll()
    changedRuns.removeAll()
    heldLeases = nil
  }

  private func perform(_ order: WriteOrder, at now: Int64) throws(Fault) -> WriteReceipt {
    switch order {
    case .createRun(let product, let request): try create(request, in: product, at: now)
    case .requestOfRun(let product, let request): try ask(request, in: product, at: now)
    case .commit(let product, let order): try commit(order, in: product, at: now)
    case .putRubric(let product, let rubric): try put(rubric, in: product, at: now)
    case .putLabels(let product, let labels): try put(labels, in: product, at: now)
    case .acquireLease(let product, let name, let session):
      try acquire(name, for: session, in: product)
    case .endLease(let product, let name, let token): try end(name, token, in: product)
    }
  }

  /// Runs statements; what SQLite says is remembered, since it concerns the whole group.
  func sql<R>(_ body: () throws(SQLiteError) -> R) throws(Fault) -> R {
    do {
      return try body()
    } catch {
      failure = failure ?? error
      throw error.storeFault(path)
    }
  }

  // MARK: - The log's length

  /// Shortens a log that is long: takes some milliseconds that no answer has to wait for.
  package func tidy() {
    checkpointIfDue()
    if broken == nil, journal?.isHalfFull == true { _ = syncLog() }
  }

  /// False when the disk failed.
  private func syncLog() -> Bool {
    do {
      try beginJournalAgain()
    } catch {
      broken = error.storeFault(path)
    }
    return broken == nil
  }

  private func checkpointIfDue() {
    guard broken == nil else { return }
    guard connection.walPages >= nextCheckpointPages else { return }
    checkpoint(connection.walPages >= SQLiteStoreLimits.walPagesHardMax ? .truncate : .passive)
    let soft = SQLiteStoreLimits.walPagesSoftMax
    // While somebody reads an old state, no more often than each quarter of the limit.
    nextCheckpointPages = max(soft, connection.walPages + soft / 4)
  }

  private func checkpoint(_ kind: Connection.Checkpoint) {
    // First, and by itself: what this sync fails to keep is in the journal still.
    guard syncLog() else { return }
    Failpoint.pass("store.checkpoint.before")
    do {
      let state = try connection.checkpoint(kind)
      // The next commit begins the log again.
      if state.pages == state.moved { connection.forgetWALPages() }
    } catch  where error.code == .io || error.code == .damaged {
      broken = error.storeFault(path)
    } catch {
      // Full or busy: the log keeps what it has, and it is tried again.
    }
    Failpoint.pass("store.checkpoint.after")
  }

  /// For a writer that has nothing to do, and before it is let go: the log becomes empty.
  package func rest() {
    guard broken == nil, connection.walPages > 0 else { return }
    checkpoint(.truncate)
    nextCheckpointPages = SQLiteStoreLimits.walPagesSoftMax
  }

  /// Why nothing can be written any more, until the file is opened again.
  package var fault: Fault? { broken }

  /// Pages of the log since it began.
  package var walPages: Int { connection.walPages }

  // MARK: - Leases

  /// By name, as the file has them.
  func leasesByName() throws(Fault) -> [LeaseName: StoredLease] {
    if let heldLeases { return heldLeases }
    let found = try sql { () throws(SQLiteError) in
      var found: [LeaseName: StoredLease] = [:]
      let rows = try connection.statement(
        """
        SELECT p.name, l.name, l.session, l.token
        FROM leases l JOIN products p ON p.key = l.product
        """)
      while try rows.step() {
        guard let product = try? ProductScope(rows.text(at: 0)) else { continue }
        let name = LeaseName(product: product, name: rows.text(at: 1))
        found[name] = StoredLease(
          product: product, name: name.name, session: rows.text(at: 2),
          token: UInt64(rows.int64(at: 3)))
      }
      return found
    }
    heldLeases = found
    return found
  }

  func keep(_ lease: StoredLease) {
    heldLeases?[LeaseName(product: lease.product, name: lease.name)] = lease
  }

  /// The lease as the file has it.
  func lease(_ name: String, of product: ProductScope) throws(Fault) -> StoredLease? {
    if heldLeases == nil { _ = try leasesByName() }
    return heldLeases?[LeaseName(product: product, name: name)]
  }

  package func leases() throws(Fault) -> [StoredLease] {
    try leasesByName().values.sorted { ($0.product.name, $0.name) < ($1.product.name, $1.name) }
  }

  package func runsWantingOwner() throws(Fault) -> [RunName] {
    try sql { () throws(SQLiteError) in
      var names: [RunName] = []
      let rows = try connection.statement(
        """
        SELECT p.name, r.id FROM runs r JOIN products p ON p.key = r.product
        WHERE r.requested <> 0 OR r.state IN (1, 2, 4, 6) ORDER BY r.key
        """)
      while try rows.step() {
        guard let product = try? ProductScope(rows.text(at: 0)) else { continue }
        names.append(RunName(product: product, runID: rows.text(at: 1)))
      }
      return names
    }
  }
}
