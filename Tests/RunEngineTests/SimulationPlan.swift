import RunEngine
import ScoreContract
import TestSupport

/// A bug put into the world on purpose: the checks must find it.
enum PlantedBug: CaseIterable, Sendable {
  /// The store lets a writer in whose lease is another's.
  case fencingIgnored
  /// The store takes a commit that it has taken before.
  case commitsNotDeduplicated
  /// A new owner calls under other keys than the one before.
  case callKeysDiffer
  /// A commit counts as kept when it is sent.
  case publishedBeforePersisted
  /// The new owner asks nobody what is in flight.
  case nothingRecovered
}

/// What is scored in a simulated world and what goes wrong in it: all from one seed.
struct SimulationPlan: Sendable {
  let seed: UInt64
  var workload = ScriptedWorkload()
  var texts: [String] = []
  var options = RunOptions()
  /// Texts that an earlier run has answered.
  var cached: [String] = []
  /// Whoever owns the run crashes at this event.
  var crashAtEvent: Int?
  var replicaCount = 2
  /// Faults happen before this time, in milliseconds; 0: never.
  var faultsUntil: Int64 = 0
  /// What people ask of the run, and when.
  var requests: [(at: Int64, RunRequest)] = []
  var bug: PlantedBug?
  // In a thousand messages.
  var dropped = 0
  var doubled = 0
  var slow = 0
  /// Milliseconds between faults of each kind, roughly; 0: none.
  var crashEvery: Int64 = 0
  var pauseEvery: Int64 = 0
  var storeDownEvery: Int64 = 0
  var gatewayDownEvery: Int64 = 0
  var jumpEvery: Int64 = 0
  var diskFullEvery: Int64 = 0

  private static let kinds = [
    "ok", "ok", "ok", "ok", "ok", "ok", "ok", "flaky2", "never", "cut", "refuse", "huge", "unsure",
    "garbled", "unrendered",
  ]

  init(seed: UInt64, bug: PlantedBug? = nil) {
    self.seed = seed
    self.bug = bug
    var random = SeededRandom(seed: seed)
    // Now and then a run of several pages.
    let isLong = Int.random(in: 0..<40, using: &random) == 0
    let count = Int.random(in: isLong ? 250...600 : 1...40, using: &random)
    for index in 0..<count {
      let kind = isLong ? "ok" : Self.kinds[Int.random(in: 0..<Self.kinds.count, using: &random)]
      // Now and then the same text twice: one key for two units.
      let isTwin = index > 0 && Int.random(in: 0..<12, using: &random) == 0
      texts.append(isTwin ? texts[Int.random(in: 0..<index, using: &random)] : "\(kind) \(index)")
    }
    workload.unitsMax = Int.random(in: 1...6, using: &random)
    if Bool.random(using: &random) {
      let first = Int.random(in: 0...count, using: &random)
      workload.stageCounts = [first, count - first]
    }
    options.width = UInt32.random(in: 1...4, using: &random)
    options.attemptsMax = 12
    if Int.random(in: 0..<3, using: &random) == 0 {
      cached = texts.filter { $0.hasPrefix("ok") && Bool.random(using: &random) }
      cached = cached.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      options.force = Int.random(in: 0..<4, using: &random) == 0
    }
    if Int.random(in: 0..<5, using: &random) == 0 {
      options.timeoutMs = Int64.random(in: 3_000...8_000, using: &random)
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      options.budgetCapNanos = Int64.random(in: 60...200, using: &random) + (isLong ? 1_500 : 0)
      options.onBudget = Bool.random(using: &random) ? .endRun : .pauseRun
    }
    replicaCount = Int.random(in: 2...3, using: &random)
    faultsUntil = Int64.random(in: 2_000...30_000, using: &random)
    dropped = Int.random(in: 0...60, using: &random)
    doubled = Int.random(in: 0...60, using: &random)
    slow = Int.random(in: 0...60, using: &random)
    func often(_ random: inout SeededRandom) -> Int64 {
      Bool.random(using: &random) ? Int64.random(in: 1_000...8_000, using: &random) : 0
    }
    crashEvery = often(&random)
    pauseEvery = often(&random)
    storeDownEvery = often(&random)
    gatewayDownEvery = often(&random)
    jumpEvery = often(&random)
    diskFullEvery = often(&random)
    for request in [RunRequest.pause, .cancel] where Int.random(in: 0..<4, using: &random) == 0 {
      requests.append((Int64.random(in: 0...faultsUntil, using: &random), request))
    }
  }

  /// The same run in a world where nothing goes wrong and nobody interferes.
  var undisturbed: SimulationPlan {
    var plan = self
    plan.bug = nil
    plan.replicaCount = 1
    plan.faultsUntil = 0
    plan.requests = []
    plan.options.budgetCapNanos = 0
    plan.options.timeoutMs = 0
    plan.crashAtEvent = nil
    return plan
  }
}
