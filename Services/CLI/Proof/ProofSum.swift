package import GatewayStandIn
import ScoreContract

/// Adds up what was seen against what an undisturbed mesh does.
package struct ProofSum: Sendable {
  /// By question: the run that nobody disturbed.
  package let references: [ProofRun]
  package let payments: [Payment]

  package init(references: [ProofRun], payments: [Payment]) {
    self.references = references
    self.payments = payments
  }

  /// What was seen live and what a newcomer reads, run by run.
  package func report(on runs: [ProofRun], replays: [ProofRun]) -> ProofReport {
    var report = ProofReport()
    let paid = Dictionary(grouping: payments, by: \.runID)
    report.payments = payments.count
    report.runs = runs.count
    checkKeys(&report)
    for (seen, replayed) in zip(runs, replays) {
      let reference = references[seen.spec]
      report.units += replayed.units.count
      report.events += Int(replayed.lastSeq)
      check(seen, replayed, against: reference, &report)
      let difference = ProofSum.difference(
        of: paid[seen.id] ?? [], from: paid[reference.id] ?? [])
      report.secondPayments += difference.more
      if difference.more > 0 {
        report.findings.append("\(seen.id): \(difference.more) payments too many")
      }
      if difference.fewer > 0 {
        report.findings.append("\(seen.id): \(difference.fewer) payments too few")
      }
    }
    return report
  }

  /// A key that was paid twice, in whatever run.
  private func checkKeys(_ report: inout ProofReport) {
    var counts: [String: Int] = [:]
    for payment in payments { counts[payment.callKey, default: 0] += 1 }
    for (key, count) in counts.sorted(by: { $0.key < $1.key }) where count > 1 {
      report.secondPayments += count - 1
      report.findings.append("the call \(key) was paid \(count) times")
    }
  }

  private func check(
    _ seen: ProofRun, _ replayed: ProofRun, against reference: ProofRun,
    _ report: inout ProofReport
  ) {
    let faults = seen.faults + replayed.faults
    if !faults.isEmpty || !replayed.hasEnded { report.brokenLogs += 1 }
    report.doubled += faults.count { $0.contains("settled twice") }
    report.findings += faults
    if !replayed.hasEnded { report.findings.append("\(seen.id): its log has no end") }
    // Who watched through all the kills saw what a newcomer reads.
    if seen.lastSeq != replayed.lastSeq || seen.units != replayed.units {
      report.brokenLogs += 1
      report.findings.append(
        "\(seen.id): watched \(seen.lastSeq) entries, \(replayed.lastSeq) are there")
    }
    if replayed.state != reference.state {
      report.findings.append(
        "\(seen.id): ended \(replayed.state.name), undisturbed \(reference.state.name)")
    }
    for (unit, value) in reference.units.sorted(by: { $0.key < $1.key }) {
      guard let own = replayed.units[unit] else {
        report.lost += 1
        report.findings.append("\(seen.id): \(unit) is lost")
        continue
      }
      if own != value {
        report.differing += 1
        report.findings.append("\(seen.id): \(unit) is '\(own)', undisturbed '\(value)'")
      }
    }
    if replayed.totals.costNanos != reference.totals.costNanos {
      report.findings.append(
        "\(seen.id): cost \(replayed.totals.costNanos), undisturbed "
          + "\(reference.totals.costNanos)")
    }
  }

  /// How many payments one list has beyond the other, by content; and the other way.
  static func difference(of some: [Payment], from others: [Payment]) -> (more: Int, fewer: Int) {
    var counts: [String: Int] = [:]
    for payment in some { counts[payment.content, default: 0] += 1 }
    for payment in others { counts[payment.content, default: 0] -= 1 }
    return (
      counts.values.reduce(0) { $0 + max(0, $1) }, counts.values.reduce(0) { $0 + max(0, -$1) }
    )
  }
}
