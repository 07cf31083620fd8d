import Digest
import Protobuf
import ScoreContract

/// A verdict as its row has it: what is searched for in columns, the rest packed, and a sum over
/// all of it and over the sum of the run's verdict before.
///
/// A bit that flips in a row, a row that is gone or two that changed places break the chain.
struct VerdictRow {
  static let chainBytes = 16
  static let chainStart = [UInt8](repeating: 0, count: chainBytes)

  /// The packed rest.
  static func body(of verdict: Verdict) -> [UInt8] {
    Verdict(
      value: verdict.value, reasoning: verdict.reasoning, confidence: verdict.confidence,
      flags: verdict.flags, callKeys: verdict.callKeys, supersedes: verdict.supersedes,
      detail: verdict.detail
    ).packed()
  }

  /// The sum of a row behind the one of `chain`.
  static func chain(
    after chain: [UInt8], _ verdict: Verdict, score: Double?, body: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512 + body.count)
    bytes += chain
    append(verdict.id, to: &bytes)
    append(verdict.runId, to: &bytes)
    append(verdict.unitId, to: &bytes)
    append(verdict.unitKey, to: &bytes)
    append(verdict.subject?.kind ?? "", to: &bytes)
    append(verdict.subject?.id ?? "", to: &bytes)
    append(verdict.subject?.contentHash ?? "", to: &bytes)
    append(verdict.rubricHash, to: &bytes)
    append(verdict.model, to: &bytes)
    append(score?.bitPattern ?? .max, to: &bytes)
    append(UInt64(bitPattern: verdict.committedAtUs), to: &bytes)
    bytes += body
    var sum = SHA256()
    sum.update(bytes)
    return Array(sum.finish().prefix(chainBytes))
  }

  /// Behind its length, so that no two texts look like another two.
  private static func append(_ text: String, to bytes: inout [UInt8]) {
    append(UInt64(text.utf8.count), to: &bytes)
    bytes += text.utf8
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }
}
