package import Faults
package import ScoreContract
package import StoreContract

extension StoreModel {
  package func run(_ id: String, of product: ProductScope) throws(Fault) -> GetRunResponse {
    try RequestCheck.named(id, "run_id")
    let stored = try self.stored(id, of: product)
    return GetRunResponse(run: stored.asRun, stages: stored.stages)
  }

  package func runs(
    _ request: ListRunsRequest, of product: ProductScope
  ) throws(Fault) -> ListRunsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: .runs)?.position ?? .max
    var budget = PageBudget(limit: request.limit)
    var response = ListRunsResponse()
    for stored in storedRuns(of: product).reversed() where stored.position < after {
      guard request.states.isEmpty || request.states.contains(stored.head.state),
        request.workload.isEmpty || request.workload == stored.run.workload
      else { continue }
      guard budget.take(512 + stored.head.outcome.count) else {
        response.next = PageCursor(.runs, position: lastPosition(response, of: product)).token
        break
      }
      var run = stored.asRun
      run.spec = []
      response.runs.append(run)
    }
    return response
  }

  private func storedRuns(of product: ProductScope) -> [StoredRun] {
    runNames.filter { $0.product == product }.compactMap { products[product]?.runs[$0.runID] }
  }

  private func lastPosition(_ response: ListRunsResponse, of product: ProductScope) -> Int64 {
    response.runs.last.flatMap { products[product]?.runs[$0.id]?.position } ?? 0
  }

  package func events(
    of runID: String, after seq: Int64, countMax: Int, of product: ProductScope
  ) throws(Fault) -> [Event] {
    try RequestCheck.named(runID, "run_id")
    let stored = try self.stored(runID, of: product)
    guard (0...stored.head.lastSeq).contains(seq) else {
      throw .badCursor(seq, last: stored.head.lastSeq)
    }
    return Array(stored.events.dropFirst(Int(seq)).prefix(max(0, countMax)))
  }

  package func units(
    _ request: ReadUnitsRequest, of product: ProductScope
  ) throws(Fault) -> ReadUnitsResponse {
    try request.check()
    let stored = try self.stored(request.runId, of: product)
    var budget = PageBudget(limit: request.limit)
    var response = ReadUnitsResponse(isLast: true)
    for unit in stored.units where unit.ordinal > request.afterOrdinal {
      guard request.states.isEmpty || request.states.contains(unit.state),
        !request.hasStage || unit.stage == request.stage
      else { continue }
      guard budget.take(unit.pageBytes) else {
        response.isLast = false
        break
      }
      response.units.append(unit)
    }
    return response
  }

  // MARK: - Verdicts

  private func verdicts(of product: ProductScope) -> [(position: Int64, verdict: Verdict)] {
    verdicts.enumerated().filter { $0.element.product == product }
      .map { (Int64($0.offset + 1), $0.element.verdict) }
  }

  package func verdict(_ id: String, of product: ProductScope) throws(Fault) -> Verdict {
    try RequestCheck.named(id, "id")
    guard let place = products[product]?.verdicts[id] else { throw .unknownVerdict(id) }
    return verdicts[place].verdict
  }

  package func verdicts(
    forKeys keys: [String], of product: ProductScope
  ) throws(Fault) -> [Verdict] {
    try RequestCheck.unitKeys(keys)
    var seen: Set<String> = []
    var found: [Verdict] = []
    var bytes = 0
    for key in keys where seen.insert(key).inserted {
      guard let place = products[product]?.newest[key] else { continue }
      let verdict = verdicts[place].verdict
      bytes += verdict.pageBytes
      if bytes > StoreLimits.answerBytesMax { throw .answerTooLarge("unit keys") }
      found.append(verdict)
    }
    return found
  }

  package func latest(
    _ request: LatestVerdictsRequest, afterSubject: String, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> [Verdict] {
    try request.check()
    var newest: [String: Verdict] = [:]
    for (_, verdict) in verdicts(of: product) {
      guard let subject = verdict.subject, subject.kind == request.subjectKind,
        request.rubricHash.isEmpty || request.rubricHash == verdict.rubricHash,
        request.subjectIds.isEmpty || request.subjectIds.contains(subject.id)
      else { continue }
      newest[subject.id] = verdict
    }
    var budget = PageBudget(countMax: countMax)
    return newest.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .filter { afterSubject.utf8.lexicographicallyPrecedes($0.key.utf8) }.map(\.value)
      .prefix { budget.take($0.pageBytes) }
  }

  package func history(
    _ request: VerdictHistoryRequest, behind position: Int64, countMax: Int,
    of product: ProductScope
  ) throws(Fault) -> VerdictPage {
    try request.check()
    var budget = PageBudget(countMax: countMax)
    var page = VerdictPage()
    for (place, verdict) in verdicts(of: product).reversed()
    where position == 0 || place < position {
      guard verdict.subject?.kind == request.subjectKind,
        verdict.subject?.id == request.subjectId,
        request.rubricHash.isEmpty || request.rubricHash == verdict.rubricHash
      else { continue }
      guard budget.take(verdict.pageBytes) else { break }
      page.verdicts.append(verdict)
      page.position = place
    }
    return page
  }

  package func query(
    _ request: QueryVerdictsRequest, of product: ProductScope
  ) throws(Fault) -> QueryVerdictsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: request.question)
    let matching = verdicts(of: product).filter { request.matches($0.verdict) }
      .map { PageCursor(request.question, position: $0.position, score: request.score($0.verdict)) }
      .sorted { $0.precedes($1) }
    var budget = PageBudget(limit: request.limit)
    var response = QueryVerdictsResponse()
    var last: PageCursor?
    for place in matching where after?.precedes(place) ?? true {
      let verdict = verdicts[Int(place.position) - 1].verdict
      guard budget.take(verdict.pageBytes) else {
        response.next = last?.token ?? ""
        break
      }
      response.verdicts.append(verdict)
      last = place
    }
    return response
  }

  // MARK: - Rubrics and labels

  package func rubric(_ hash: String, of product: ProductScope) throws(Fault) -> Rubric {
    try RequestCheck.named(hash, "hash")
    guard let rubric = products[product]?.rubrics[hash] else { throw .unknownRubric(hash) }
    return rubric
  }

  package func labels(
    _ request: ListLabelsRequest, of product: ProductScope
  ) throws(Fault) -> ListLabelsResponse {
    try request.check()
    let after = try PageCursor.parse(request.after, for: .labels)?.position ?? 0
    var budget = PageBudget(limit: request.limit)
    var response = ListLabelsResponse()
    var last: Int64 = 0
    for (place, entry) in labels.enumerated() where place >= after && entry.product == product {
      let label = entry.label
      guard request.rubricName.isEmpty || request.rubricName == label.rubricName,
        request.subjectKind.isEmpty || request.subjectKind == label.subject?.kind,
        request.subjectId.isEmpty || request.subjectId == label.subject?.id
      else { continue }
      guard budget.take(512 + label.note.utf8.count) else {
        response.next = PageCursor(.labels, position: last).token
        break
      }
      response.labels.append(label)
      last = Int64(place + 1)
    }
    return response
  }
}

extension QueryVerdictsRequest {
  fileprivate func matches(_ verdict: Verdict) -> Bool {
    if scoreLeast != nil || scoreMost != nil {
      guard let score = verdict.value?.score, score >= scoreLeast ?? -.infinity,
        score <= scoreMost ?? .infinity
      else { return false }
    }
    return (runId.isEmpty || runId == verdict.runId)
      && (subjectKind.isEmpty || subjectKind == verdict.subject?.kind)
      && (rubricHash.isEmpty || rubricHash == verdict.rubricHash)
      && (model.isEmpty || model == verdict.model)
  }

  /// What its order looks at.
  fileprivate func score(_ verdict: Verdict) -> Double? {
    order == .highest || order == .lowest ? verdict.value?.score : nil
  }
}
