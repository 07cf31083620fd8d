import EventLoop
import Faults
import GatewayBatches
import GatewayBudgets
import GatewayCatalog
import GatewayContract
import GatewayLedger
import GatewayPipeline
import GatewayProviders
import GatewayValues
import LedgerFile
import RPC
import ScoreContract

/// assay.gateway.v1.Gateway over the pipeline.
struct GatewayHandlers: GatewayServer {
  let pipeline: CallPipeline
  let ledger: Ledger
  let batches: BatchRunner

  func generate(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> GenerateResponse {
    let call = try CallReading(request, context, for: pipeline).call
    let deadline = request.policy?.batchDeadlineMs ?? 0
    let answer = try await Self.telling {
      deadline > 0
        ? try await self.batches.answer(call, by: deadline) : try await self.pipeline.answer(call)
    }
    return try answer.response(call)
  }

  func generateStream(
    _ request: GenerateRequest, responses: ResponseWriter<GenerateEvent>, context: ServerContext
  ) async throws {
    let call = try CallReading(request, context, for: pipeline).call
    let sink = EventSink(responses, loop: pipeline.loop)
    let receipt = try await Self.telling { try await self.pipeline.stream(call, into: sink) }
    try await sink.finish(receipt, call)
  }

  func quote(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> QuoteResponse {
    let call = try CallReading(request, context, for: pipeline).call
    let (cost, bound, version) = try await pipeline.quote(call)
    var response = QuoteResponse()
    response.costNanosMax = cost.count
    response.inputTokensMax = bound.inputTokensMax
    response.outputTokensMax = bound.outputTokensMax
    response.priceVersion = version
    let standings = try await budgets(of: call)
    if let short = standings.first(where: { $0.remaining < cost }) {
      response.refusal = "BUDGET_EXHAUSTED"
      response.refusalMessage =
        "The budget \(short.budget) has \(short.remaining) left; the call may cost \(cost)."
    }
    return response
  }

  private func budgets(of call: CallRequest) async throws -> [BudgetStanding] {
    var standings: [BudgetStanding] = []
    for budget in ledger.budgets {
      let isOwn: Bool =
        switch budget.scope.product {
        case .any, .each: true
        case .only(let product): product == call.caller.product
        }
      guard isOwn else { continue }
      standings += try await ledger.standings(of: budget.name).filter {
        $0.subject.isEmpty || $0.subject == call.caller.product.text
      }
    }
    return standings
  }

  func countTokens(
    _ request: GenerateRequest, context: ServerContext
  ) async throws -> CountTokensResponse {
    let call = try CallReading(request, context, for: pipeline).call
    let (count, isCounted) = try await Self.telling { try await self.pipeline.countTokens(call) }
    var response = CountTokensResponse()
    response.inputTokens = count
    response.isCounted = isCounted
    return response
  }

  func getCall(
    _ request: GetCallRequest, context: ServerContext
  ) async throws -> GetCallResponse {
    guard let key = CallKey(request.callKey) else { throw CallReading.badKey }
    let product = try CallReading.product(of: context)
    let name = CallName(product: product, key: key)
    let isGathered = await batches.isGathered(name)
    let standing = try await pipeline.standing(of: name)
    switch standing {
    case .settled: return GetCallResponse(standing, key)
    default:
      return isGathered ? GetCallResponse(state: .inFlight) : GetCallResponse(standing, key)
    }
  }

  func listModels(
    _ request: ListModelsRequest, context: ServerContext
  ) async throws -> ListModelsResponse {
    let catalog = await pipeline.models
    var response = ListModelsResponse()
    let (prices, now) = (ledger.prices, await pipeline.wallMilliseconds)
    response.models = catalog.cards.map { card in
      var model = Model(card)
      // What holds now, whoever said it: the file, or the Account service.
      if let entry = prices.entry(for: card.name, atMilliseconds: now) {
        model.price = Price(
          entry.price, version: entry.version, fromMilliseconds: entry.fromMilliseconds)
      }
      return model
    }
    return response
  }

  func watchLimits(
    _ request: WatchLimitsRequest, responses: ResponseWriter<LimitsState>, context: ServerContext
  ) async throws {
    let interval = max(100, min(60_000, request.intervalMs == 0 ? 1_000 : request.intervalMs))
    var last: LimitsState?
    while !Task.isCancelled {
      let state = LimitsState(
        await pipeline.limitUse, waiting: await pipeline.callsWaiting,
        inFlight: await pipeline.callsInFlight)
      if state != last { try await responses.send(state) }
      last = state
      try await pipeline.loop.sleep(for: .milliseconds(interval))
    }
  }

  /// Errors as the mesh tells them.
  static func telling<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch let problem as RequestProblem {
      throw Fault(
        .invalidArgument, reason: "BAD_REQUEST", problem.message,
        violations: [.init(field: problem.field, description: problem.message)])
    } catch let refusal as ProviderRefusal {
      throw refusal.fault
    }
  }
}
