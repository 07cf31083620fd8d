import EventLoop
import Faults
import RPC
import ScoreContract
import StoreBackend
import StoreContract

/// The methods of `assay.store.v1.Store`: each checks what it is asked, asks the writer or a
/// reader, and answers.
struct StoreCalls: StoreServer {
  let queue: CommitQueue
  let readers: ReaderPool
  let desk: LeaseDesk
  let feed: EventFeed
  let backups: BackupFolder
  let metrics: StoreMetrics
  let authenticator = ProductAuthenticator()

  func product(_ context: ServerContext) throws(Fault) -> ProductScope {
    try authenticator.product(of: context)
  }

  /// A receipt of another kind than its order's is a mistake of the backend.
  static let wrongReceipt = Fault(
    .internal, reason: "INTERNAL", "The writer answered another question.")

  // MARK: - Runs

  func createRun(
    _ request: CreateRunRequest, context: ServerContext
  ) async throws -> CreateRunResponse {
    let product = try product(context)
    try request.check()
    let receipt = try await queue.write(.createRun(product, request))
    guard case .runCreated(let response, _) = receipt else { throw Self.wrongReceipt }
    return response
  }

  func getRun(_ request: GetRunRequest, context: ServerContext) async throws -> GetRunResponse {
    let product = try product(context)
    return try await readers.ask(.quick) { try $0.run(request.runId, of: product) }
  }

  func listRuns(
    _ request: ListRunsRequest, context: ServerContext
  ) async throws -> ListRunsResponse {
    let product = try product(context)
    return try await readers.ask(.long) { try $0.runs(request, of: product) }
  }

  func requestOfRun(
    _ request: RequestOfRunRequest, context: ServerContext
  ) async throws -> RequestOfRunResponse {
    let product = try product(context)
    try request.check()
    let receipt = try await queue.write(.requestOfRun(product, request))
    guard case .runRequested(let response, _) = receipt else { throw Self.wrongReceipt }
    return response
  }

  func commit(_ request: CommitRequest, context: ServerContext) async throws -> CommitResponse {
    // Checked and digested here, while the writer writes the group before.
    let order = try WriteOrder.commit(try product(context), request)
    guard case .committed(let response, _, _, _) = try await queue.write(order) else {
      throw Self.wrongReceipt
    }
    return response
  }

  // MARK: - Units, verdicts

  func readUnits(
    _ request: ReadUnitsRequest, context: ServerContext
  ) async throws -> ReadUnitsResponse {
    let product = try product(context)
    return try await readers.ask(.quick) { try $0.units(request, of: product) }
  }

  func lookupVerdicts(
    _ request: LookupVerdictsRequest, context: ServerContext
  ) async throws -> LookupVerdictsResponse {
    let product = try product(context)
    return try await readers.ask(.long) { reader in
      LookupVerdictsResponse(verdicts: try reader.verdicts(forKeys: request.unitKeys, of: product))
    }
  }

  func queryVerdicts(
    _ request: QueryVerdictsRequest, context: ServerContext
  ) async throws -> QueryVerdictsResponse {
    let product = try product(context)
    return try await readers.ask(.long) { try $0.query(request, of: product) }
  }

  func latestVerdicts(
    _ request: LatestVerdictsRequest, responses: ResponseWriter<VerdictBatch>,
    context: ServerContext
  ) async throws {
    let product = try product(context)
    try request.check()
    var after = ""
    while true {
      let behind = after
      let verdicts = try await readers.ask(.long) {
        try $0.latest(
          request, afterSubject: behind, countMax: ReaderLimits.rowsPerPage, of: product)
      }
      guard let last = verdicts.last else { return }
      after = last.subject?.id ?? ""
      try await responses.send(VerdictBatch(verdicts: verdicts))
    }
  }

  func verdictHistory(
    _ request: VerdictHistoryRequest, responses: ResponseWriter<VerdictBatch>,
    context: ServerContext
  ) async throws {
    let product = try product(context)
    try request.check()
    var position: Int64 = 0
    while true {
      let behind = position
      let page = try await readers.ask(.long) {
        try $0.history(request, behind: behind, countMax: ReaderLimits.rowsPerPage, of: product)
      }
      guard !page.verdicts.isEmpty else { return }
      position = page.position
      try await responses.send(VerdictBatch(verdicts: page.verdicts))
    }
  }

  // MARK: - Rubrics, labels

  func putRubric(
    _ request: PutRubricRequest, context: ServerContext
  ) async throws -> PutRubricResponse {
    let product = try product(context)
    let rubric = request.rubric ?? Rubric()
    try rubric.check()
    guard case .rubricPut(let wasKnown) = try await queue.write(.putRubric(product, rubric)) else {
      throw Self.wrongReceipt
    }
    return PutRubricResponse(wasKnown: wasKnown)
  }

  func getRubric(
    _ request: GetRubricRequest, context: ServerContext
  ) async throws -> GetRubricResponse {
    let product = try product(context)
    return try await readers.ask(.quick) { reader in
      GetRubricResponse(rubric: try reader.rubric(request.hash, of: product))
    }
  }

  func putLabels(
    _ request: PutLabelsRequest, context: ServerContext
  ) async throws -> PutLabelsResponse {
    let product = try product(context)
    try Label.check(request.labels)
    let receipt = try await queue.write(.putLabels(product, request.labels))
    guard case .labelsPut(let added, let known) = receipt else { throw Self.wrongReceipt }
    return PutLabelsResponse(added: UInt32(clamping: added), known: UInt32(clamping: known))
  }

  func listLabels(
    _ request: ListLabelsRequest, context: ServerContext
  ) async throws -> ListLabelsResponse {
    let product = try product(context)
    return try await readers.ask(.long) { try $0.labels(request, of: product) }
  }
}
