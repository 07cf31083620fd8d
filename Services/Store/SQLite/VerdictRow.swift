import Digest
import ScoreContract

/// A verdict as its row has it: what is searched for in columns, the rest packed, and a sum over
/// all of it and over the sum of the run's verdict before.
///
/// A bit that flips in a row, a row that is gone or two that changed places break the chain.
struct VerdictRow {
  static let chainBytes = 16
  static let chainStart = [UInt8](repeating: 0, count: chainBytes)

  /// The sum of a row behind the one of `chain`.
  static func chain(
    after chain: [UInt8], _ verdict: Verdict, score: Double?, body: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(640 + body.count)
    bytes += chain
    for text in [
      verdict.id, verdict.runId, verdict.unitId, verdict.unitKey, verdict.subject?.kind ?? "",
      verdict.subject?.id ?? "", verdict.subject?.contentHash ?? "", verdict.rubricHash,
      verdict.model,
    ] {
      bytes += text.utf8
      // No name has a zero, so no two names look like another two.
      bytes.append(0)
    }
    append(score?.bitPattern ?? .max, to: &bytes)
    append(UInt64(bitPattern: verdict.committedAtUs), to: &bytes)
    bytes += body
    var sum = SHA256()
    sum.update(bytes)
    return Array(sum.finish().prefix(chainBytes))
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }
}
