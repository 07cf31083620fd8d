import Protobuf
package import ScoreContract

/// A fact's bytes as backends keep them, made where the call arrives: the log's line without the
/// verdict, and of a verdict what is not searched for.
package struct PackedFact: Sendable, Equatable {
  /// nil where the store itself says a part of the line.
  package let line: [UInt8]?
  /// nil without a verdict.
  package let verdict: [UInt8]?

  package init(_ fact: Fact) {
    switch fact.kind {
    case .unit(var change):
      verdict = change.verdict.map(Self.rest)
      change.verdict = nil
      line = Fact(kind: .unit(change)).packed()
    case .run, .planned, .none:
      verdict = nil
      line = nil
    default:
      verdict = nil
      line = fact.packed()
    }
  }

  /// A verdict without what stands in columns of its own.
  private static func rest(of verdict: Verdict) -> [UInt8] {
    Verdict(
      value: verdict.value, reasoning: verdict.reasoning, confidence: verdict.confidence,
      flags: verdict.flags, callKeys: verdict.callKeys, supersedes: verdict.supersedes,
      detail: verdict.detail
    ).packed()
  }
}
