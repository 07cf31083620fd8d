package import GatewayPacing

extension PromptPlanner {
  /// A call as it is to be planned.
  package struct Request: Sendable {
    package var outline: PromptOutline
    package var rules: PromptRules
    package var scope: Scope
    /// How many more calls will begin alike soon, as the caller says.
    package var reuses: Int64
    /// Whether it may wait for another.
    package var mayWait: Bool

    package init(
      _ outline: PromptOutline, _ rules: PromptRules, _ scope: Scope, reuses: Int64, mayWait: Bool
    ) {
      self.outline = outline
      self.rules = rules
      self.scope = scope
      self.reuses = reuses
      self.mayWait = mayWait
    }

    func name(_ boundary: PromptOutline.Boundary) -> Name {
      Name(scope: scope, key: boundary.key)
    }
  }

  /// A prefix that is worth a look: the caller marked it, others had it, or others will.
  private struct Candidate {
    let boundary: PromptOutline.Boundary
    let name: Name
    let reads: Int64
  }

  /// What a call does, which begins at once; or for whom it waits, and then it is planned again.
  ///
  /// The longest prefix that can be read is read. What is longer and pays is written, once: while
  /// another call is about to write it, this one waits.
  package mutating func plan(_ request: Request, at now: MonotonicInstant) -> PromptDecision {
    let candidates = candidates(of: request, at: now)
    var flight = Flight(since: now, takesMarks: request.rules.takesMarks)
    var marked: [(place: Int, life: PrefixLife)] = []
    for candidate in candidates {
      let known = prefix(candidate.name)
      if let tokens = known?.warmTokens(at: now) {
        flight.read = (candidate.name, tokens)
        if let life = known?.keptLife { marked.append((candidate.boundary.place, life)) }
        break
      }
      if case .warming(let other) = known?.standing, flights[other] != nil {
        if request.mayWait { return .wait(behind: other) }
        // It goes on alone, and leaves the prefix to the one that has it.
        continue
      }
      guard !(known?.isRefused(at: now) ?? false) else { continue }
      guard isWorthWriting(candidate, request) else { continue }
      let life =
        request.outline.hasFixedMarks
        ? candidate.boundary.mark ?? .short
        : known?.life(request.rules, reads: candidate.reads) ?? .short
      flight.written.append((candidate.name, candidate.boundary.tokens, life))
      marked.append((candidate.boundary.place, life))
    }
    let last = request.outline.boundaries.count - 1
    let shared = candidates.first { $0.boundary.place < last || $0.boundary.mark != nil }
    return .go(start(flight, marked, request, shared?.boundary))
  }

  private func isWorthWriting(_ candidate: Candidate, _ request: Request) -> Bool {
    // With marks of the caller's it is written whatever is decided here, and without any marks at
    // all whenever the provider likes: all that can be saved is to write it only once.
    if request.outline.hasFixedMarks { return true }
    guard request.rules.takesMarks else { return candidate.reads > 0 }
    return candidate.boundary.canBeMarked && request.rules.pays(.short, reads: candidate.reads)
  }

  private mutating func start(
    _ flight: Flight, _ marked: [(place: Int, life: PrefixLife)], _ request: Request,
    _ shared: PromptOutline.Boundary?
  ) -> PromptPlan {
    var flight = flight
    var marks: [Int: PrefixLife] = [:]
    if request.rules.takesMarks, !request.outline.hasFixedMarks {
      // What lives longer stands first: a shorter prefix lives as long as any that it begins.
      var life = PrefixLife.short
      for mark in marked.prefix(PromptLimits.marksMax) {
        life = max(life, mark.life)
        marks[mark.place] = life
      }
      // What has no mark is not written.
      flight.written = Array(flight.written.prefix(PromptLimits.marksMax))
    }
    var plan = PromptPlan(id: begin(flight))
    plan.marks = marks
    plan.readPredicted = flight.read?.tokens ?? 0
    if let longest = flight.written.first {
      plan.isLeader = true
      plan.writePredicted = max(0, longest.tokens - plan.readPredicted)
    }
    for written in flight.written { set(.warming(plan.id), of: written.name) }
    if request.rules.takesKey, request.reuses > 0 || request.outline.isMarked {
      plan.cacheKey = shared?.key.text
    }
    return plan
  }

  // MARK: - Candidates

  /// The longest first.
  private func candidates(of request: Request, at now: MonotonicInstant) -> [Candidate] {
    let outline = request.outline
    let all = outline.boundaries.suffix(PromptLimits.boundariesMax).filter { boundary in
      request.rules.mayBeKept(boundary.tokens)
        || prefix(request.name(boundary))?.warmTokens(at: now) != nil
    }
    guard !outline.isMarked else {
      return all.filter { $0.mark != nil }.reversed().map { candidate($0, request, request.reuses) }
    }
    // The last block is what one call asks and the next does not.
    let last = outline.boundaries.count - 1
    let markable = all.filter { $0.canBeMarked || !request.rules.takesMarks }
    let shared = markable.last { $0.place < last }
    var found: [Candidate] = []
    // Between two prefixes that the same calls had, only the longer one matters.
    var company = 1
    for boundary in markable.reversed() {
      let hinted = boundary == shared ? request.reuses : 0
      let known = prefix(request.name(boundary))
      let isBranch = (known?.company ?? 0) > company
      guard hinted > 0 || isBranch || known?.warmTokens(at: now) != nil else { continue }
      company = max(company, known?.company ?? 0)
      found.append(candidate(boundary, request, hinted))
    }
    return found
  }

  /// As many calls will come as came, where the caller knows no better.
  private func candidate(
    _ boundary: PromptOutline.Boundary, _ request: Request, _ hinted: Int64
  ) -> Candidate {
    let name = request.name(boundary)
    let seen = Int64((prefix(name)?.company ?? 1) - 1)
    return Candidate(boundary: boundary, name: name, reads: max(hinted, seen))
  }
}
