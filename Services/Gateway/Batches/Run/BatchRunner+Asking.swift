import GatewayPipeline
package import GatewayProviders
package import GatewayValues
import HTTPClient

/// A batch with the counts of what its requests have come to.
package struct BatchStanding: Hashable, Sendable {
  package let record: BatchRecord
  package let counts: BatchCounts

  package init(record: BatchRecord, counts: BatchCounts) {
    self.record = record
    self.counts = counts
  }
}

/// What doors ask. Another product's batch is not there.
extension BatchRunner {
  /// How a batch of this product and family stands; nil when there is none.
  package func standing(
    of id: String, _ product: GatewayName, _ family: ProviderFamily
  ) async throws -> BatchStanding? {
    guard let stored = try await file.record(id) else { return nil }
    let record = open[id]?.record ?? stored
    guard record.caller.product == product, record.dialect.family == family,
      record.machine.isKnown, !record.isGathered
    else { return nil }
    return BatchStanding(record: record, counts: try await file.counts(of: id))
  }

  package func list(
    _ page: BatchPage
  ) async throws -> (found: [BatchStanding], hasMore: Bool) {
    let (found, hasMore) = try await file.list(page)
    return (
      found.map { record, counts in
        BatchStanding(record: open[record.id]?.record ?? record, counts: counts)
      }, hasMore
    )
  }

  /// Asks for a batch to be canceled; what was answered by then is paid and kept.
  package func cancel(_ id: String) async throws {
    let now = nowMilliseconds
    let move = try await take(.cancel, id) { $0.canceledAt = $0.canceledAt ?? now }
    if move == .go { schedule(id) }
  }

  /// Forgets a batch that has ended, here and, as far as it does so, at the provider.
  package func remove(_ record: BatchRecord) async throws {
    try await file.drop(record.id)
    guard record.dialect.family == .anthropic, !record.machine.providerID.isEmpty else { return }
    _ = await exchange(record, .delete, "/v1/messages/batches/\(record.machine.providerID)")
  }

  /// Lines of results behind a request's number; nil at their end.
  package func results(
    of id: String, after number: Int, succeeded: Bool? = nil
  ) async throws -> ResultPiece? {
    try await file.results(of: id, after: number, succeeded: succeeded)
  }

  package nonisolated var files: BatchFile { file }

  /// Milliseconds since 1970.
  package var now: Int64 { nowMilliseconds }

  /// A new file's id.
  package func newFileID() -> String { BatchRecord.newID("file-", using: &random) }
}
