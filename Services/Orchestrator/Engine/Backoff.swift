/// How long to wait before the same again: full jitter, from a hash instead of from chance, so
/// that a run is the same run wherever it goes on.
package enum Backoff {
  /// For a try from 1, in milliseconds: anything up to `first` doubled with each try, at most
  /// `most`, and at least 1.
  package static func delayMs(try number: Int, of name: String, first: Int64, most: Int64) -> Int64
  {
    let doublings = min(max(0, number - 1), 30)
    let ceiling = min(most, first << doublings)
    return 1 + Int64(mix(name, number) % UInt64(max(1, ceiling)))
  }

  /// A number that looks like chance: FNV-1a over both, then mixed.
  private static func mix(_ name: String, _ number: Int) -> UInt64 {
    var mixed = FNV.hash(name) ^ UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// FNV-1a: a hash that is the same in every process, for spreading and never for safety.
enum FNV {
  static func hash(_ text: String) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}
