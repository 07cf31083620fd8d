import GatewayValues

extension LedgerAudit {
  /// Lines of one class, and which of their uncertain ones nobody has resolved.
  mutating func takeStock() {
    let corrected = corrections
    var calls: Set<String> = []
    for line in lines {
      let kind = line.auditClass
      report.sums[kind, default: AuditReport.Sum()].add(cost: line.cost, bound: line.bound)
      if line.kind == 1 {
        calls.insert("\(line.party[0]) \(line.callKey)")
        report.usage.add(line.usage)
      }
      guard kind == .uncertain || kind == .gap, corrected[line.number] == nil else { continue }
      report.open.append(
        AuditReport.OpenLine(
          number: line.number, isGap: kind == .gap,
          attempt: line.attempt, product: line.party[0], callKey: line.callKey,
          provider: line.party[4], requestID: line.requestID, cost: NanoDollars(line.cost),
          endedAt: line.endedAt))
    }
    report.calls = calls.count
  }

  /// Corrections by the lines that they correct.
  private var corrections: [Int64: AuditedLine] {
    Dictionary(lines.filter { $0.kind == 3 }.map { ($0.corrects, $0) }) { first, _ in first }
  }

  /// Puts each billed call beside the line that has its request, or else beside an uncertain
  /// line of its call. A batch tells nobody its requests' names: there the call's key is the name.
  mutating func compare(with bill: [BilledCall]) {
    let corrected = corrections
    var comparison = BillComparison()
    var byRequest: [String: AuditedLine] = [:]
    var batched: [String: AuditedLine] = [:]
    var uncertain: [String: [AuditedLine]] = [:]
    for line in lines where line.kind == 1 {
      if line.state == 5 {
        if corrected[line.number] == nil { comparison.uncertain.append(line.number) }
        uncertain[line.callKey, default: []].append(line)
      } else if line.isBatched, line.state != 4 {
        batched[line.callKey] = line
      }
      // A provider may have said its name of an uncertain one after all.
      for word in [line, corrected[line.number]] {
        if let word, !word.requestID.isEmpty { byRequest[word.requestID] = line }
      }
    }
    var billed: Set<Int64> = []
    for call in bill {
      comparison.billedTotal = NanoDollars(comparison.billedTotal.count &+ call.cost.count)
      let known =
        call.isBatched
        ? batched[call.callKey] ?? byRequest[call.callKey] : byRequest[call.requestID]
      let line = known ?? Self.take(call, from: &uncertain[call.callKey], corrected)
      guard let line else {
        comparison.missing.append(call.requestID)
        comparison.add(.missing, call, nil)
        continue
      }
      billed.insert(line.number)
      Self.put(call, beside: line, corrected[line.number], into: &comparison)
    }
    for line in lines where line.kind == 1 && !billed.contains(line.number) {
      let cost = line.state == 3 ? line.cost : corrected[line.number]?.cost ?? 0
      guard cost > 0 else { continue }
      comparison.extra.append(line.number)
      comparison.add(.extra, nil, line, cost: cost)
    }
    report.bill = comparison
  }

  /// An uncertain line of the call's key: of several, one that was resolved to just this cost.
  private static func take(
    _ call: BilledCall, from lines: inout [AuditedLine]?, _ corrected: [Int64: AuditedLine]
  ) -> AuditedLine? {
    guard let known = lines, !known.isEmpty else { return nil }
    let place =
      known.lastIndex { corrected[$0.number]?.cost == call.cost.count } ?? known.count - 1
    return lines?.remove(at: place)
  }

  private static func put(
    _ call: BilledCall, beside line: AuditedLine, _ correction: AuditedLine?,
    into comparison: inout BillComparison
  ) {
    let usage = [
      call.usage.freshInput, call.usage.cacheRead, call.usage.cacheWriteShort,
      call.usage.cacheWriteLong, call.usage.output, call.usage.reasoning, call.usage.webSearches,
    ]
    let isEqual: Bool
    if let correction {
      isEqual = correction.cost == call.cost.count
    } else if line.state == 5 {
      // A bound has to cover it, and no more is known.
      if call.cost.count <= line.bound { return }
      isEqual = false
    } else {
      isEqual =
        line.cost == call.cost.count && line.usage == usage && line.isBatched == call.isBatched
    }
    if isEqual {
      comparison.equal += 1
    } else {
      comparison.differing.append(line.number)
      comparison.add(.differing, call, line, cost: correction?.cost ?? line.cost)
    }
  }
}

extension AuditedLine {
  fileprivate var auditClass: AuditReport.LineClass {
    switch (kind, state) {
    case (2, _): .gap
    case (3, _): .correction
    case (_, 4): .void
    case (_, 5): .uncertain
    default: .settled
    }
  }
}
