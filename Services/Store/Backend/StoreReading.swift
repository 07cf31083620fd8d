package import Faults
package import ScoreContract
package import StoreContract

/// Answers from what is durable; never blocked by the writer. Blocking: used off the loop, one
/// thread at a time each.
package protocol StoreReading: AnyObject {
  func run(_ id: String, of product: ProductScope) throws(Fault) -> GetRunResponse
  func runs(_ request: ListRunsRequest, of product: ProductScope) throws(Fault) -> ListRunsResponse
  /// Events behind a sequence, at most so many and about so many bytes; empty when there is none.
  func events(
    of runID: String, after seq: Int64, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Event]
  func units(_ request: ReadUnitsRequest, of product: ProductScope) throws(Fault)
    -> ReadUnitsResponse
  func verdicts(forKeys keys: [String], of product: ProductScope) throws(Fault) -> [Verdict]
  /// The newest per subject, ordered by subject id, behind one; at most so many.
  func latest(
    _ request: LatestVerdictsRequest, afterSubject: String, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> [Verdict]
  /// Newest first, behind the position of the one before; at most so many.
  func history(
    _ request: VerdictHistoryRequest, skipping count: Int, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> [Verdict]
  func query(_ request: QueryVerdictsRequest, of product: ProductScope) throws(Fault)
    -> QueryVerdictsResponse
  func rubric(_ hash: String, of product: ProductScope) throws(Fault) -> Rubric
  func labels(_ request: ListLabelsRequest, of product: ProductScope) throws(Fault)
    -> ListLabelsResponse
  /// One verdict by its id, for exports.
  func verdict(_ id: String, of product: ProductScope) throws(Fault) -> Verdict
}
