import EventLoop
package import Faults
package import GatewayProviders
package import GatewayValues
import SQLite

/// What became of a request, and the line that its caller reads of it.
package struct SettledItem: Hashable, Sendable {
  package let number: Int
  package let outcome: BatchOutcome
  package let line: [UInt8]?

  package init(number: Int, outcome: BatchOutcome, line: [UInt8]?) {
    self.number = number
    self.outcome = outcome
    self.line = line
  }
}

/// Which of a product's batches are asked for.
package struct BatchPage: Hashable, Sendable {
  package var product: GatewayName
  package var family: ProviderFamily
  package var after = ""
  package var before = ""
  package var countMax: Int

  package init(product: GatewayName, family: ProviderFamily, countMax: Int) {
    self.product = product
    self.family = family
    self.countMax = countMax
  }
}

/// Some lines of results, and the request that they end with.
package struct ResultPiece: Hashable, Sendable {
  static let bytesMax = 256 << 10

  package let lines: [UInt8]
  package let last: Int
}

/// Batches and files as they lie on a disk: one SQLite file with a thread of its own. What a
/// method has answered is durable.
package final class BatchFile: Sendable {
  private typealias Errand = @Sendable (BatchSeat) -> Void

  private let thread = OwnerThreads<Errand>(name: "batches", waitingMax: 4_096)
  private let path: String

  /// Opens the file, or makes it.
  package init(opening path: String) async throws {
    self.path = path
    try await thread.start(
      open: {
        do { return try BatchSeat(path: path) } catch { throw Self.fault(error, path) }
      },
      take: { seat, errands in for errand in errands { errand(seat) } })
  }

  package func close() async { await thread.end() }

  private static func fault(_ error: any Error, _ path: String) -> Fault {
    guard let error = error as? SQLiteError else { return Fault(describing: error) }
    var fault = error.fault
    fault.reason = error.code == .full ? "LEDGER_FULL" : "BATCHES_ERROR"
    fault.facts["path"] = path
    return fault
  }

  private func ask<R: Sendable>(
    _ body: @escaping @Sendable (BatchSeat) throws -> R
  ) async throws(Fault) -> R {
    let path = path
    let result = await withCheckedContinuation {
      (answer: CheckedContinuation<Result<R, Fault>, Never>) in
      let submission = thread.submit { seat in
        do {
          answer.resume(returning: .success(try body(seat)))
        } catch {
          answer.resume(returning: .failure(Self.fault(error, path)))
        }
      }
      switch submission {
      case .taken: break
      case .full:
        let busy = Fault(
          .unavailable, reason: "BATCHES_BUSY", "Too much waits for the file of batches.",
          retryAfter: .seconds(1))
        answer.resume(returning: .failure(busy))
      case .ended:
        let closed = Fault(
          .unavailable, reason: "SHUTTING_DOWN", "The file of batches is being closed.")
        answer.resume(returning: .failure(closed))
      }
    }
    return try result.get()
  }

  // MARK: - Batches

  package func add(
    _ record: BatchRecord, _ items: [BatchItem], body: [UInt8]
  ) async throws(Fault) {
    try await ask { try $0.add(record, items, body: body) }
  }

  package func save(_ record: BatchRecord) async throws(Fault) {
    try await ask { try $0.save(record) }
  }

  package func drop(_ id: String) async throws(Fault) { try await ask { try $0.drop(id) } }

  package func body(of id: String) async throws(Fault) -> [UInt8] {
    try await ask { try $0.body(of: id) }
  }

  package func record(_ id: String) async throws(Fault) -> BatchRecord? {
    try await ask { try $0.record(id) }
  }

  /// Those that have not ended.
  package func open() async throws(Fault) -> [BatchRecord] { try await ask { try $0.open() } }

  package func isKnown(providerID: String) async throws(Fault) -> Bool {
    try await ask { try $0.isKnown(providerID: providerID) }
  }

  /// A page with the counts of each, and whether there are more.
  package func list(
    _ page: BatchPage
  ) async throws(Fault) -> (found: [(BatchRecord, BatchCounts)], hasMore: Bool) {
    try await ask { seat in
      let all = try seat.list(page)
      var found = Array(all.prefix(page.countMax))
      if !page.before.isEmpty { found.reverse() }
      return (try found.map { ($0, try seat.counts(of: $0.id)) }, all.count > page.countMax)
    }
  }

  package func count(of product: GatewayName) async throws(Fault) -> Int {
    try await ask { try $0.count(of: product) }
  }

  package func items(of id: String) async throws(Fault) -> [BatchItem] {
    try await ask { try $0.items(of: id) }
  }

  /// Requests of calls that have not been answered, and batches that have some.
  package func calls(of id: String) async throws(Fault) -> [BatchItem] {
    try await ask { try $0.calls(of: id) }
  }

  package func withCalls() async throws(Fault) -> [BatchRecord] {
    try await ask { try $0.withCalls() }
  }

  package func forgetCall(_ id: String, _ number: Int) async throws(Fault) {
    try await ask { try $0.forgetCall(id, number) }
  }

  package func settle(_ id: String, _ items: [SettledItem]) async throws(Fault) {
    try await ask { try $0.settle(id, items) }
  }

  package func counts(of id: String) async throws(Fault) -> BatchCounts {
    try await ask { try $0.counts(of: id) }
  }

  /// Lines of results behind a request's number; nil at their end.
  package func results(
    of id: String, after number: Int, succeeded: Bool? = nil
  ) async throws(Fault) -> ResultPiece? {
    try await ask { try $0.results(of: id, after: number, succeeded: succeeded) }
  }

  package func resultBytes(of id: String, succeeded: Bool) async throws(Fault) -> Int64 {
    try await ask { try $0.resultBytes(of: id, succeeded: succeeded) }
  }

  // MARK: - Files

  package func keep(
    _ file: StoredFile, of product: GatewayName, _ bytes: [UInt8]
  ) async throws(Fault) {
    let limit = try await ask { try $0.keep(file, of: product, bytes) }
    guard let limit else { return }
    throw Fault(
      .resourceExhausted, reason: "TOO_MANY_FILES",
      "The product keeps as much as it may (\(limit)).",
      hint: "Delete files that are no longer needed.", facts: ["limit": limit])
  }

  package func file(_ id: String, of product: GatewayName) async throws(Fault) -> StoredFile? {
    try await ask { try $0.file(id, of: product) }
  }

  package func bytes(of id: String, of product: GatewayName) async throws(Fault) -> [UInt8]? {
    try await ask { try $0.bytes(of: id, of: product) }
  }

  package func files(of product: GatewayName) async throws(Fault) -> [StoredFile] {
    try await ask { try $0.files(of: product) }
  }

  package func removeFile(_ id: String, of product: GatewayName) async throws(Fault) -> Bool {
    try await ask { try $0.removeFile(id, of: product) }
  }

  /// Forgets what ended, and files that were put down, before a moment.
  package func sweep(before moment: Int64) async throws(Fault) {
    try await ask { try $0.sweep(before: moment) }
  }
}
