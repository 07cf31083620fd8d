import Faults
import SQLite
import ScoreContract
import StoreBackend
import StoreContract
import StoreSQLite
import TestSupport

/// One file with its writer and a reader, and the orders that tests give most.
struct StoreFixture {
  let store: SQLiteStore
  let writer: SQLiteWriter
  let reader: SQLiteReader
  let product = ProductScope.standard

  /// A store in a folder of its own; commits do not wait for the disk.
  static func with(_ body: (StoreFixture) throws -> Void) async throws {
    try await ScratchFolder.with { folder in
      try body(StoreFixture(path: folder.file("store.db")))
    }
  }

  init(path: String, pagesMax: Int = 0, isDurable: Bool = false) throws {
    var store = SQLiteStore(path: path)
    if !isDurable { store.durability = .off }
    store.pagesMax = pagesMax
    self.store = store
    writer = try store.openWriter()
    reader = try store.openReader()
  }

  /// What one order is answered, or the fault that refuses it.
  @discardableResult
  func write(_ order: WriteOrder) throws -> WriteReceipt {
    let results = writer.write([order], atMicroseconds: 7)
    guard let result = results.first else { throw ChildTool.Failure(description: "no result") }
    return try result.get()
  }

  @discardableResult
  func commit(
    _ id: String, _ facts: [Fact.Kind], run: String = "run", token: UInt64 = 1
  ) throws -> WriteReceipt {
    try write(commitOrder(id, facts, run: run, token: token))
  }

  func commitOrder(
    _ id: String, _ facts: [Fact.Kind], run: String = "run", token: UInt64 = 1
  ) throws -> WriteOrder {
    try .commit(
      product,
      CommitRequest(
        commitId: id, runId: run, leaseName: run, leaseToken: token,
        facts: facts.map { Fact(kind: $0) }))
  }

  /// A running run with so many open units: `u0` …
  func start(_ run: String = "run", units: Int) throws {
    try write(
      .createRun(product, CreateRunRequest(runId: run, workload: "columns", specHash: "h")))
    try write(.acquireLease(product, name: run, session: "s"))
    try commit(
      "start \(run)",
      [
        .run(RunChange(state: .planning)),
        .planned(UnitsPlanned(units: (0..<units).map(unit))), .run(RunChange(state: .running)),
      ], run: run)
  }

  private func unit(_ index: Int) -> Unit {
    Unit(
      id: "u\(index)", ordinal: Int64(index),
      subject: SubjectRef(kind: "entity", id: "e\(index)", contentHash: "c"), state: .open)
  }

  /// The unit gets its verdict.
  func verdict(_ index: Int, run: String = "run", score: Double = 5) -> Fact.Kind {
    .unit(
      UnitChange(
        unitId: "u\(index)", state: .succeeded,
        verdict: Verdict(
          id: "\(run)/v\(index)", unitKey: "k\(index)",
          subject: SubjectRef(kind: "entity", id: "e\(index)", contentHash: "c"),
          rubricHash: "rubric", model: "m", value: Value(kind: .number(score)),
          reasoning: "because it is so")))
  }
}

/// The reason of the fault that `body` throws; nil when it throws none.
func reason(_ body: () throws -> Void) -> String? {
  do { try body() } catch { return (error as? Fault)?.reason ?? "\(error)" }
  return nil
}
