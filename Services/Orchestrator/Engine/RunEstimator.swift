package import Faults
package import OrchestratorContract
package import ScoreContract

/// What a run would do and cost, by the run's own planner, look-ups and batches.
///
/// `next` says what to look up in Store; feed the answer in, until it says what the run would be.
package struct RunEstimator: Sendable {
  package enum Step: Sendable, Equatable {
    case lookUp([String])
    case done(EstimateResponse)
  }

  private let task: RunTask
  private let walk: PlanWalk
  private let isForced: Bool
  private var pager: PlanPager
  private var draft: PlanDraft?
  private var cached: Int64 = 0
  private var price = WorkPrice()

  package init(_ task: RunTask) throws(Fault) {
    self.task = task
    let options = task.spec.options ?? RunOptions()
    walk = PlanWalk(try task.workload.plan(task.spec), limit: options.limit)
    isForced = options.force
    pager = PlanPager(walk, isForced: isForced)
  }

  package mutating func next() -> Step {
    while !pager.isAtEnd {
      let draft = pager.draft()
      self.draft = draft
      guard isForced else { return .lookUp(draft.keys) }
      lookedUp([])
    }
    var last = price
    last.finish(task)
    return .done(
      EstimateResponse(
        units: walk.count, cached: cached, calls: last.calls,
        costLeastNanos: last.cost.leastNanos, costExpectedNanos: last.cost.expectedNanos,
        costMostNanos: last.cost.mostNanos, warnings: walk.warnings))
  }

  /// The verdicts that Store has for the keys asked for.
  package mutating func lookedUp(_ verdicts: [Verdict]) {
    guard let draft else { return }
    self.draft = nil
    let page = pager.page(of: draft, verdicts: verdicts)
    let open = page.units.filter { $0.state == .open }
    cached += Int64(page.units.count - open.count)
    price.add(open, of: task)
    pager.accept(page)
  }
}

extension PlanWalk {
  /// The plan's warnings, and what the limit leaves out.
  var warnings: [Note] {
    guard beyondLimit > 0 else { return plan.warnings }
    return plan.warnings + [
      Note(code: "LIMITED", text: "\(beyondLimit) units are beyond the limit of this run.")
    ]
  }
}
