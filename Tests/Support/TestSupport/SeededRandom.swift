// TestSupport: what several test modules share, and nothing a service would ever need. Random
// tests take their numbers from here, so that a failure can be run again by its seed.
import Glibc

/// Random numbers from a seed that is printed; `TEST_SEED` in the environment repeats a run. It
/// has no `ASSAY_` in front, which every service started by a test would refuse to know.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  package let seed: UInt64
  private var state: UInt64

  /// Prints the seed under `name`, so that the log of a failed run says how to repeat it.
  package init(_ name: String) {
    let given = unsafe getenv("TEST_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
    let seed = given ?? UInt64.random(in: 0...UInt64.max)
    self.init(seed: seed)
    print("\(name): TEST_SEED=\(seed)")
  }

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// SplitMix64.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Up to `countMax` bytes, drawn from `alphabet` or from all 256 when it is empty.
  package mutating func bytes(countMax: Int, from alphabet: [UInt8] = []) -> [UInt8] {
    (0..<Int.random(in: 0...countMax, using: &self)).map { _ in
      alphabet.randomElement(using: &self) ?? UInt8.random(in: 0...255, using: &self)
    }
  }

  /// The same bytes with a few changed, dropped or doubled.
  package mutating func mutation(of bytes: [UInt8]) -> [UInt8] {
    var mutated = bytes
    for _ in 0...Int.random(in: 0..<4, using: &self) where !mutated.isEmpty {
      let place = Int.random(in: mutated.indices, using: &self)
      switch UInt8.random(in: 0..<4, using: &self) {
      case 0: mutated[place] = UInt8.random(in: 0...255, using: &self)
      case 1: mutated.remove(at: place)
      case 2: mutated.insert(mutated[place], at: place)
      default: mutated[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      }
    }
    return mutated
  }
}
