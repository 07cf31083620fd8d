package import Faults
package import ScoreContract
package import StoreContract

/// A part of a history, and where it ended. Empty: there is no more.
package struct VerdictPage: Sendable, Equatable {
  package var verdicts: [Verdict] = []
  package var position: Int64 = 0

  package init() {}
}

/// Answers from what is durable; never blocked by the writer. Blocking: used off the loop, one
/// thread at a time each.
package protocol StoreReading: AnyObject {
  func run(_ id: String, of product: ProductScope) throws(Fault) -> GetRunResponse
  func runs(_ request: ListRunsRequest, of product: ProductScope) throws(Fault) -> ListRunsResponse
  /// Events behind a sequence, at most so many and about a message of bytes; empty when there are
  /// none.
  func events(
    of runID: String, after seq: Int64, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Event]
  func units(_ request: ReadUnitsRequest, of product: ProductScope) throws(Fault)
    -> ReadUnitsResponse
  /// The newest verdict of each unit key that has one, in the order of the keys.
  func verdicts(forKeys keys: [String], of product: ProductScope) throws(Fault) -> [Verdict]
  /// The newest per subject, ordered by subject id, behind one; at most so many, fewer when they
  /// are long. Empty: there is no more.
  func latest(
    _ request: LatestVerdictsRequest, afterSubject: String, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> [Verdict]
  /// Newest first, behind a position (0: from the newest); at most so many.
  func history(
    _ request: VerdictHistoryRequest, behind position: Int64, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> VerdictPage
  func query(_ request: QueryVerdictsRequest, of product: ProductScope) throws(Fault)
    -> QueryVerdictsResponse
  func rubric(_ hash: String, of product: ProductScope) throws(Fault) -> Rubric
  func labels(_ request: ListLabelsRequest, of product: ProductScope) throws(Fault)
    -> ListLabelsResponse
  /// One verdict by its id, for exports.
  func verdict(_ id: String, of product: ProductScope) throws(Fault) -> Verdict
}
