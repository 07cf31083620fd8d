package import Faults
import ScoreContract
import StoreContract

/// A keeper of facts in memory: the oracle of the real ones, and the store of simulations.
///
/// It keeps everything and forgets it all with the process. Not thread safe.
package final class StoreModel: StoreWriting, StoreReading {
  /// A run with all that hangs on it.
  final class StoredRun {
    /// Without what `head` says.
    var run: Run
    var head: RunHead
    var stages: [Stage] = []
    /// By ordinal.
    var units: [Unit] = []
    var ordinals: [String: Int] = [:]
    var attempts: [String: AttemptChange] = [:]
    var events: [Event] = []
    /// Higher for runs that were made later.
    let position: Int64

    init(_ request: CreateRunRequest, position: Int64, at now: Int64) {
      run = Run(
        id: request.runId, workload: request.workload, spec: request.spec,
        specHash: request.specHash, idempotencyKey: request.idempotencyKey, createdAtUs: now,
        updatedAtUs: now)
      head = RunHead(state: .pending, options: request.options ?? RunOptions())
      self.position = position
    }
  }

  final class Product {
    var runs: [String: StoredRun] = [:]
    var idempotency: [String: String] = [:]
    var commits: [String: StoredCommit] = [:]
    /// Positions in `verdicts`, by id, and of the newest by unit key.
    var verdicts: [String: Int] = [:]
    var newest: [String: Int] = [:]
    var rubrics: [String: Rubric] = [:]
    /// Position in `labels`, by id.
    var labels: [String: Int] = [:]
    var leases: [String: StoredLease] = [:]
  }

  struct StoredCommit {
    let digest: [UInt8]
    let response: CommitResponse
  }

  var products: [ProductScope: Product] = [:]
  /// In the order of their creation.
  var runNames: [RunName] = []
  /// In the order of their commits, over all products.
  var verdicts: [(product: ProductScope, verdict: Verdict)] = []
  var labels: [(product: ProductScope, label: Label)] = []

  package init() {}

  package func write(
    _ orders: [WriteOrder], atMicroseconds now: Int64
  ) -> [Result<WriteReceipt, Fault>] {
    orders.map { order in
      Result { () throws(Fault) in try write(order, at: now) }
    }
  }

  package func leases() throws(Fault) -> [StoredLease] {
    products.values.flatMap(\.leases.values).sorted {
      ($0.product.name, $0.name) < ($1.product.name, $1.name)
    }
  }

  package func runsWantingOwner() throws(Fault) -> [RunName] {
    runNames.filter { name in
      guard let head = products[name.product]?.runs[name.runID]?.head else { return false }
      return RunRules.wantsOwner(head.state, requested: head.requested)
    }
  }

  private func write(_ order: WriteOrder, at now: Int64) throws(Fault) -> WriteReceipt {
    switch order {
    case .createRun(let product, let request): try create(request, in: product, at: now)
    case .requestOfRun(let product, let request): try ask(request, in: product, at: now)
    case .commit(let product, let order): try commit(order, in: product, at: now)
    case .putRubric(let product, let rubric): try put(rubric, in: product, at: now)
    case .putLabels(let product, let labels): try put(labels, in: product, at: now)
    case .acquireLease(let product, let name, let session):
      try acquire(name, for: session, in: product)
    case .endLease(let product, let name, let token): end(name, token, in: product)
    }
  }

  // MARK: - Runs

  private func create(
    _ request: CreateRunRequest, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try request.check()
    let store = room(of: product)
    if let id = store.idempotency[request.idempotencyKey], let known = store.runs[id] {
      guard known.run.specHash == request.specHash else { throw .idempotencyKeyReused(by: id) }
      return .runCreated(CreateRunResponse(run: known.asRun, isReplay: true), events: [])
    }
    if let known = store.runs[request.runId] {
      guard known.run.specHash == request.specHash else { throw .runExists(request.runId) }
      return .runCreated(CreateRunResponse(run: known.asRun, isReplay: true), events: [])
    }
    let name = RunName(product: product, runID: request.runId)
    let stored = StoredRun(request, position: Int64(runNames.count + 1), at: now)
    let event = stored.log(RunChange(state: .pending, totals: RunTotals()), at: now)
    store.runs[request.runId] = stored
    if !request.idempotencyKey.isEmpty { store.idempotency[request.idempotencyKey] = request.runId }
    runNames.append(name)
    return .runCreated(CreateRunResponse(run: stored.asRun, isReplay: false), events: [event])
  }

  private func ask(
    _ request: RequestOfRunRequest, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try request.check()
    let stored = try self.stored(request.runId, of: product)
    guard try RunRules.apply(request, to: &stored.head) else {
      return .runRequested(RequestOfRunResponse(run: stored.asRun), events: [])
    }
    let event = stored.log(.requesting(request, of: stored.head), at: now)
    return .runRequested(RequestOfRunResponse(run: stored.asRun), events: [event])
  }

  private func room(of product: ProductScope) -> Product {
    if let known = products[product] { return known }
    let fresh = Product()
    products[product] = fresh
    return fresh
  }

  func stored(_ id: String, of product: ProductScope) throws(Fault) -> StoredRun {
    guard let stored = products[product]?.runs[id] else { throw .unknownRun(id) }
    return stored
  }

  // MARK: - Commits

  private func commit(
    _ order: CommitOrder, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    let store = room(of: product)
    let stored = try self.stored(order.runID, of: product)
    if let known = store.commits[order.id] {
      guard known.digest == order.digest else { throw .commitIDReused(order.id) }
      var response = known.response
      response.isReplay = true
      return stored.receipt(response)
    }
    guard let lease = store.leases[order.leaseName], lease.token == order.leaseToken,
      !lease.session.isEmpty
    else {
      throw .leaseLost(order.leaseName)
    }
    var review = CommitReview(stored.head, runID: order.runID, atMicroseconds: now)
    var ground = Ground(run: stored, product: store)
    try review.take(order.facts, on: &ground)
    stored.apply(review, at: now)
    for verdict in review.events.compactMap(\.verdict) {
      store.verdicts[verdict.id] = verdicts.count
      store.newest[verdict.unitKey] = verdicts.count
      verdicts.append((product, verdict))
    }
    let response = CommitResponse(
      firstSeq: review.head.lastSeq - Int64(review.events.count) + 1,
      lastSeq: review.head.lastSeq, isReplay: false, committedAtUs: now)
    store.commits[order.id] = StoredCommit(
      digest: order.digest, response: response)
    return stored.receipt(response, events: review.events)
  }

  // MARK: - Rubrics, labels, leases

  private func put(
    _ rubric: Rubric, in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try rubric.check()
    if let known = products[product]?.rubrics[rubric.hash] {
      guard known.says(theSameAs: rubric) else { throw .rubricDiffers(rubric.hash) }
      return .rubricPut(wasKnown: true)
    }
    var rubric = rubric
    rubric.createdAtUs = now
    room(of: product).rubrics[rubric.hash] = rubric
    return .rubricPut(wasKnown: false)
  }

  private func put(
    _ labels: [Label], in product: ProductScope, at now: Int64
  ) throws(Fault) -> WriteReceipt {
    try Label.check(labels)
    let store = room(of: product)
    var all = self.labels
    var places = store.labels
    for var label in labels {
      if let place = places[label.id] {
        guard all[place].label.says(theSameAs: label) else { throw .labelDiffers(label.id) }
        continue
      }
      if label.createdAtUs == 0 { label.createdAtUs = now }
      places[label.id] = all.count
      all.append((product, label))
    }
    let added = all.count - self.labels.count
    self.labels = all
    store.labels = places
    return .labelsPut(added: added, known: labels.count - added)
  }

  private func acquire(
    _ name: String, for session: String, in product: ProductScope
  ) throws(Fault) -> WriteReceipt {
    try RequestCheck.lease(name, session: session)
    let token = (products[product]?.leases[name]?.token ?? 0) + 1
    room(of: product).leases[name] = StoredLease(
      product: product, name: name, session: session, token: token)
    return .leaseAcquired(token: token)
  }

  private func end(_ name: String, _ token: UInt64, in product: ProductScope) -> WriteReceipt {
    if let lease = products[product]?.leases[name], lease.token == token {
      products[product]?.leases[name] = StoredLease(
        product: product, name: name, session: "", token: token)
    }
    return .leaseEnded
  }
}
