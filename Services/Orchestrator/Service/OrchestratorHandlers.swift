import Digest
import Failpoints
import Faults
import GRPCFormat
import OrchestratorContract
import RPC
import RunEngine
import RunWorkloads
import ScoreContract
import StoreContract
import Telemetry

/// assay.orchestrator.v1.Orchestrator: plans, asks Store to remember, and never waits for a run.
///
/// Any replica answers for any run: who works on it learns of requests from Store.
struct OrchestratorHandlers: OrchestratorServer {
  let store: StoreClient
  let feeds: RunFeeds

  static let keyBytesMax = 255
  private static let timeout = Duration.seconds(10)

  // MARK: - Starting

  func estimate(
    _ request: EstimateRequest, context: ServerContext
  ) async throws -> EstimateResponse {
    let task = try Self.task(request.spec)
    let options = Self.options(context)
    var estimator = try RunEstimator(task)
    while true {
      switch estimator.next() {
      case .done(let estimate): return estimate
      case .lookUp(let keys):
        let answer = try await store.lookupVerdicts(
          LookupVerdictsRequest(unitKeys: keys), options: options)
        estimator.lookedUp(answer.verdicts)
      }
    }
  }

  func submit(_ request: SubmitRequest, context: ServerContext) async throws -> SubmitResponse {
    let task = try Self.task(request.spec)
    // A spec that cannot be planned is refused before anything is kept under its key.
    _ = try task.workload.plan(task.spec)
    let key = request.idempotencyKey
    guard key.utf8.count <= Self.keyBytesMax else {
      throw Self.refusal("idempotency_key", "at most \(Self.keyBytesMax) bytes")
    }
    var packed: [UInt8] = []
    task.spec.appendPacked(to: &packed)
    var digest = SHA256()
    digest.update(packed)
    let creation = CreateRunRequest(
      runId: Self.runID(key: key, product: context.metadata[ProductName.key] ?? ""),
      workload: task.workload.name, spec: packed, specHash: digest.finishHex(),
      idempotencyKey: key, options: task.spec.options ?? RunOptions())
    Failpoint.pass("orchestrator.submit.before-send")
    let answer = try await store.createRun(creation, options: Self.options(context))
    Failpoint.pass("orchestrator.submit.answered")
    if answer.isReplay {
      var metadata = Metadata()
      _ = metadata.add("assay-idempotent-replayed", "true")
      context.addTrailing(metadata)
    }
    return SubmitResponse(
      runId: answer.run?.id ?? creation.runId, createdAtUs: answer.run?.createdAtUs ?? 0)
  }

  /// With a key the id follows from it, so that a lost answer and its repeat mean one run.
  private static func runID(key: String, product: String) -> String {
    if key.isEmpty {
      return "r-" + Hex.text((0..<8).map { _ in UInt8.random(in: 0...255) })
    }
    var digest = SHA256()
    digest.update(field: product)
    digest.update(field: key)
    return "r-" + String(digest.finishHex().prefix(16))
  }

  private static func task(_ spec: RunSpec?) throws(Fault) -> RunTask {
    guard let spec else { throw refusal("spec", "is missing") }
    return RunTask(workload: try WorkloadTable.workload(spec.workload), spec: spec)
  }

  private static func refusal(_ field: String, _ what: String) -> Fault {
    Fault(
      .invalidArgument, reason: "BAD_REQUEST", "The request cannot be used: \(field) \(what).",
      violations: [.init(field: field, description: what)])
  }

  // MARK: - Looking

  func getRun(
    _ request: OrchestratorContract.GetRunRequest, context: ServerContext
  ) async throws -> OrchestratorContract.GetRunResponse {
    let answer = try await store.getRun(
      StoreContract.GetRunRequest(runId: request.runId), options: Self.options(context))
    return OrchestratorContract.GetRunResponse(run: answer.run, stages: answer.stages)
  }

  func listRuns(
    _ request: OrchestratorContract.ListRunsRequest, context: ServerContext
  ) async throws -> OrchestratorContract.ListRunsResponse {
    let answer = try await store.listRuns(
      StoreContract.ListRunsRequest(
        states: request.states, workload: request.workload, limit: request.limit,
        after: request.after), options: Self.options(context))
    return OrchestratorContract.ListRunsResponse(runs: answer.runs, next: answer.next)
  }

  func listWorkloads(
    _ request: ListWorkloadsRequest, context: ServerContext
  ) async throws -> ListWorkloadsResponse {
    ListWorkloadsResponse(
      workloads: WorkloadTable.all.map { WorkloadSummary(name: $0.name, summary: $0.summary) })
  }

  func watch(
    _ request: WatchRequest, responses: ResponseWriter<WatchResponse>, context: ServerContext
  ) async throws {
    let product = context.metadata[ProductName.key] ?? ProductName.standard
    try await feeds.watch(request, of: OwnedRun(product: product, id: request.runId), responses)
  }

  // MARK: - Asking

  func cancel(_ request: CancelRequest, context: ServerContext) async throws -> CancelResponse {
    CancelResponse(run: try await ask(.cancel, of: request.runId, context))
  }

  func pause(_ request: PauseRequest, context: ServerContext) async throws -> PauseResponse {
    PauseResponse(run: try await ask(.pause, of: request.runId, context))
  }

  func resume(_ request: ResumeRequest, context: ServerContext) async throws -> ResumeResponse {
    let known = try await store.getRun(
      StoreContract.GetRunRequest(runId: request.runId), options: Self.options(context))
    let wanted: RunRequest = known.run?.state == .awaitingApproval ? .approve : .resume
    return ResumeResponse(
      run: try await ask(
        wanted, of: request.runId, context, capNanos: request.budgetCapNanos,
        retryFailed: request.retryFailed))
  }

  private func ask(
    _ wanted: RunRequest, of runID: String, _ context: ServerContext, capNanos: Int64 = 0,
    retryFailed: Bool = false
  ) async throws -> Run? {
    let request = RequestOfRunRequest(
      runId: runID, request: wanted, budgetCapNanos: capNanos, retryFailed: retryFailed)
    Failpoint.pass("orchestrator.request.before-send")
    let answer = try await store.requestOfRun(request, options: Self.options(context))
    Failpoint.pass("orchestrator.request.answered")
    return answer.run
  }

  private static func options(_ context: ServerContext) -> CallOptions {
    var options = CallOptions(timeout: timeout)
    if let product = context.metadata[ProductName.key] {
      _ = options.metadata.add(ProductName.key, product)
    }
    return options
  }
}
