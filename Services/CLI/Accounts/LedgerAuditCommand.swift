import Console
import EventLoop
import Faults
import GatewayAudit
import Machine
import Supervisor
package import ToolContext

/// `assay ledger audit`: every line added up again from the file, by code of its own.
package enum LedgerAuditCommand {
  package static let command = Command(
    "ledger audit", "add a ledger up again from its file, and hold it against a bill",
    operands: Operands("FILE", count: 1...1, completion: .files),
    flags: [
      Flag("bill", value: "FILE|URL", "the provider's bill, or the simulator that keeps one")
    ],
    details: """
      FILE is ledger.db or its folder. The file alone is read, by code that shares nothing with
      the gateway's, also while a gateway has it open; nothing is written. Looked at are the
      chain over all rows, the way of every attempt, each price, each sum, each cap after every
      single operation. Lines that are charged at their bound, since nobody knows what they
      cost, are listed. Exit code 0: all of it adds up, and so does the bill; 1: something does
      not.
      """,
    examples: [
      "assay ledger audit /var/lib/assay/gateway",
      "assay ledger audit ledger.db --bill bill.jsonl --json",
      "assay ledger audit ledger.db --bill unix:/run/assay/provider.sock",
    ]
  ) { context in
    let named = Surroundings.absolute(context.operands[0], in: context.place.workingDirectory)
    let isFolder = Files.facts(of: named, followingLinks: true)?.kind == .directory
    let file = isFolder ? "\(named)/ledger.db" : named
    guard Files.facts(of: file, followingLinks: true)?.kind == .file else {
      throw Fault(
        .notFound, reason: "LEDGER_INACCESSIBLE", "There is no ledger at \(file).",
        hint: "It lies in the folder that ASSAY_GATEWAY_PATH names.", facts: ["path": file])
    }
    var bill: [BilledCall]?
    if let source = context.invocation.value("bill") {
      bill = try await BillSource.read(source, context)
    }
    let known = bill
    let report = try await BlockingPool(name: "audit", threadsMax: 1).run {
      try LedgerAudit.run(file: file, bill: known)
    }
    let text = AuditText(report)
    if context.terminal.isJSON {
      for row in text.rows { context.terminal.line(row) }
    } else {
      text.show(on: context.terminal)
    }
    return report.isClean && report.bill?.differences.isEmpty != false ? .success : .failed
  }
}
