import Failpoints
import Faults
import GatewayLedger
import GatewayPipeline
import GatewayProviders
import GatewayValues
import JSON
import LedgerFile
import Telemetry

extension BatchRunner {
  /// Ends attempts in the ledger: those of this process by their holds, those of an earlier one
  /// by a correction of what was uncertain since. nil: nothing was paid. Again, it does nothing.
  func settle(
    _ ends: [(item: BatchItem, settlement: Settlement?)], because evidence: String
  ) async throws {
    var rest = ends[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(BatchLimits.groupMax))
      rest = rest.dropFirst(group.count)
      // Together, so that they share their commits.
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        for end in group {
          let hold = holds[end.item.attempt]
          let ledger = ledger
          tasks.addTask {
            try await Self.end(end.item, end.settlement, hold, ledger, evidence)
          }
        }
        try await tasks.waitForAll()
      }
      for end in group { holds[end.item.attempt] = nil }
    }
  }

  private nonisolated static func end(
    _ item: BatchItem, _ settlement: Settlement?, _ hold: AttemptHold?, _ ledger: Ledger,
    _ evidence: String
  ) async throws {
    if let hold {
      if let settlement {
        try await ledger.settle(hold, settlement)
      } else {
        try await ledger.void(hold)
      }
    } else {
      let id = AttemptID(number: item.attempt)
      try await ledger.settleLate(id, settlement, evidence: evidence)
    }
  }

  /// Settles lines of results that came together, and writes them down for their caller.
  func settle(
    _ results: [(item: BatchItem, result: BatchResult)], of record: BatchRecord
  ) async throws {
    guard !results.isEmpty else { return }
    try await settle(
      results.map { item, result in
        var settlement = result.settlement
        if record.isGathered {
          settlement?.reply = result.reply
          // By its custom id it is found at the provider, and on its bill.
          settlement?.providerRequestID = result.key
        }
        return (item, settlement)
      },
      because: "results of batch \(record.machine.providerID)")
    Failpoint.pass("batches.collect.after-settlement")
    try await file.settle(
      record.id,
      results.map { item, result in
        SettledItem(
          number: item.number, outcome: result.outcome,
          line: record.isGathered ? nil : result.line(for: item.customID))
      })
    tell(record, results.map { ($0.item.number, $0.result.outcome) })
  }

  /// Tells calls of ours what became of them.
  private func tell(
    _ record: BatchRecord, _ outcomes: [(number: Int, outcome: BatchOutcome)]
  ) {
    guard record.isGathered else { return }
    let ended = Dictionary(outcomes.map { ($0.number, $0.outcome) }) { first, _ in first }
    for call in gathered.values {
      guard let place = call.place, place.batch == record.id,
        let outcome = ended[place.item.number]
      else { continue }
      call.tell(outcome)
    }
  }

  /// Settles what has no result: free, but for what nobody can tell.
  func settleRest(_ record: BatchRecord) async throws {
    let outcome = record.machine.rest
    let items = try await file.items(of: record.id).filter { $0.outcome == .waiting }
    let error = refusals[record.id].flatMap { try? JSONValue(parsing: $0.body) }
    var rest = items[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(BatchLimits.groupMax))
      rest = rest.dropFirst(group.count)
      let settlement: Settlement? = outcome == .lost ? Settlement(.bound, .lost) : nil
      try await settle(
        group.map { ($0, settlement) },
        because: "batch \(record.machine.providerID) ended without it: \(outcome)")
      try await file.settle(
        record.id,
        group.map { item in
          SettledItem(
            number: item.number, outcome: outcome,
            line: BatchResult.line(item.customID, outcome, of: record.dialect, error: error))
        })
      tell(record, group.map { ($0.number, outcome) })
    }
    if outcome == .lost, !items.isEmpty {
      logger.error(
        "requests of a batch are charged at their bound: nobody knows what became of them",
        [.call: .string(record.id), .provider: .string(record.way.provider.text)])
    }
    refusals[record.id] = nil
    try await take(.closed, record.id)
  }
}
