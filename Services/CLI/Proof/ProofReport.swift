package import JSON

/// What a proof found, in numbers.
package struct ProofReport: Sendable {
  package var seed: UInt64 = 0
  /// By process.
  package var kills: [(name: String, count: Int)] = []
  package var runs = 0
  package var units = 0
  package var events = 0
  package var payments = 0
  /// Units that an acknowledged run has not settled.
  package var lost = 0
  /// Units that were settled more than once.
  package var doubled = 0
  /// Units whose value is another than in the undisturbed run.
  package var differing = 0
  /// Payments beyond those of the undisturbed run.
  package var secondPayments = 0
  /// Runs whose log has a gap, or more or less than one end.
  package var brokenLogs = 0
  /// Everything that was wrong, for a person.
  package var findings: [String] = []
  package var seconds = 0.0

  package init() {}

  package var killCount: Int { kills.reduce(0) { $0 + $1.count } }
  package var isProven: Bool { findings.isEmpty }

  /// Findings that are told; the log of the proof has all.
  private static let findingsMax = 20

  package var lines: [String] {
    let byName = kills.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
    var lines = [
      "seed             \(seed)",
      "kills            \(killCount): \(byName)",
      "runs             \(runs), \(units) units, \(events) log entries, \(payments) payments",
      "lost             \(lost)",
      "doubled          \(doubled)",
      "differing        \(differing)",
      "paid twice       \(secondPayments)",
      "broken logs      \(brokenLogs)",
      "took             \(Int(seconds.rounded())) s",
    ]
    if isProven, killCount > 0 {
      // No failure in N tries bounds its rate below 3/N, with 95 % confidence.
      let perMille = (3000.0 / Double(killCount) * 10).rounded() / 10
      lines.append("bound            below \(perMille) failures in 1000 kills, at 95 %")
    }
    lines += findings.prefix(Self.findingsMax).map { "wrong: \($0)" }
    if findings.count > Self.findingsMax {
      lines.append("and \(findings.count - Self.findingsMax) more")
    }
    return lines
  }

  package var json: JSONValue {
    var byName = JSONObject()
    for kill in kills { byName[kill.name] = .number(kill.count) }
    return [
      "seed": .string(String(seed)), "kills": .object(byName), "runs": .number(runs),
      "units": .number(units), "events": .number(events), "payments": .number(payments),
      "lost": .number(lost), "doubled": .number(doubled), "differing": .number(differing),
      "paid_twice": .number(secondPayments), "broken_logs": .number(brokenLogs),
      "seconds": .number(seconds), "proven": .bool(isProven),
      "findings": .array(findings.map { .string($0) }),
    ]
  }
}
