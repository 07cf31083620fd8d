// Proof: brings a mesh up in a folder of its own, scores in it while its processes are killed at
// random, and then adds up from outside what was promised: nothing lost, nothing doubled, nothing
// different from a run that nobody disturbed, nothing paid twice. The oracle is the stand-in
// gateway in this process, which nobody kills, with a log of its own. It changes no other mesh.
// Limits: `ProofPlan`'s.

/// What one proof does.
package struct ProofPlan: Sendable {
  package var kills: Int
  package var seed: UInt64
  /// Beside the store: replicas that take runs over from each other.
  package var orchestrators = 2
  package var runsAtOnce = 4
  /// Different questions; every run asks one of these.
  package var specs = 4
  package var textsPerSpec = 60
  package var width = 6
  /// Between two kills, at random.
  package var pause = Duration.milliseconds(20)...Duration.milliseconds(160)
  /// A library that the store is started with, such as a disk that loses what was not synced.
  package var storePreload: String?
  /// What that library is told.
  package var preloadVariables: [String: String] = [:]
  /// Where the executables are.
  package var executables: String
  /// Kept when something was wrong.
  package var folder: String

  package static let killsMax = 1_000_000

  package init(kills: Int, seed: UInt64, executables: String, folder: String) {
    self.kills = kills
    self.seed = seed
    self.executables = executables
    self.folder = folder
  }
}

/// Numbers from a seed, the same on every machine.
struct ProofRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func duration(in range: ClosedRange<Duration>) -> Duration {
    let low = Int(range.lowerBound / .microseconds(1))
    let high = Int(range.upperBound / .microseconds(1))
    return .microseconds(Int.random(in: low...high, using: &self))
  }
}
