import Console
import GatewayAudit
import GatewayValues
import JSON

/// What an audit has found, for people and for programs.
struct AuditText {
  private let report: AuditReport

  init(_ report: AuditReport) { self.report = report }

  private var differences: [BillComparison.Difference] { report.bill?.differences ?? [] }

  private static func attempt(_ line: AuditReport.OpenLine) -> String {
    line.isGap ? "gap-\(line.number)" : "\(line.attempt >> 40)-\(line.attempt & (1 << 40 - 1))"
  }

  // MARK: - For people

  func show(on terminal: Terminal) {
    var sums = TextTable(["lines", "count", "cost", "held for it"], right: [1, 2, 3])
    for kind in AuditReport.LineClass.allCases {
      guard let sum = report.sums[kind] else { continue }
      sums.add([
        kind.rawValue, String(sum.lines), sum.cost.description, sum.bound.description,
      ])
    }
    sums.add(["all", String(report.lines), report.settled.description + " settled", ""])
    terminal.table(sums, isEmpty: report.lines == 0, "the ledger has no line")
    showTokens(terminal)
    showOpen(terminal)
    showBill(terminal)
    for problem in report.problems {
      terminal.line("problem: \(problem.kind.rawValue): \(problem.place): \(problem.detail)")
    }
    terminal.talk(verdict)
  }

  private func showTokens(_ terminal: Terminal) {
    guard report.lines > 0 else { return }
    let words = zip(AuditReport.Usage.kinds, report.usage.counts).filter { $1 > 0 }
      .map { "\($1) \($0.replacing("_", with: " "))" }
    terminal.line(
      "\(report.calls) calls; tokens: " + (words.isEmpty ? "none" : words.joined(separator: ", ")))
  }

  private func showOpen(_ terminal: Terminal) {
    guard !report.open.isEmpty else { return }
    terminal.line("")
    var table = TextTable(
      ["uncertain", "ended", "product", "call", "provider", "charged"], right: [5])
    for line in report.open {
      table.add([
        Self.attempt(line), AccountText.moment(line.endedAt), line.product,
        AccountText.dash(line.callKey), line.provider, line.cost.description,
      ])
    }
    terminal.table(table, isEmpty: false, "")
  }

  private func showBill(_ terminal: Terminal) {
    guard let bill = report.bill else { return }
    terminal.line("")
    terminal.line("bill: \(bill.billedTotal), \(bill.equal) calls alike")
    guard !differences.isEmpty else { return }
    var table = TextTable(
      ["difference", "request", "call", "line", "ledger", "bill"], right: [3, 4, 5])
    for difference in differences {
      table.add([
        difference.kind.rawValue, AccountText.dash(difference.requestID),
        AccountText.dash(difference.callKey), difference.line.map(String.init) ?? "-",
        difference.ledgerCost?.description ?? "-", difference.billedCost?.description ?? "-",
      ])
    }
    terminal.table(table, isEmpty: false, "")
  }

  private var verdict: String {
    func counted(_ count: Int, _ word: String) -> String {
      "\(count) \(word)\(count == 1 ? "" : "s")"
    }
    var words = [
      report.isClean
        ? "the ledger adds up: \(counted(report.lines, "line"))"
        : "the ledger does not add up: \(counted(report.problems.count, "problem"))"
    ]
    if !report.open.isEmpty {
      words.append("\(counted(report.open.count, "line")) uncertain (assay ledger resolve)")
    }
    if report.bill != nil {
      words.append(
        differences.isEmpty
          ? "the bill says the same" : "\(counted(differences.count, "difference")) with the bill")
    }
    return words.joined(separator: "; ")
  }

  // MARK: - For programs

  /// One object a row; `row` says what it is.
  var rows: [JSONValue] {
    var rows: [JSONValue] = []
    for kind in AuditReport.LineClass.allCases {
      let sum = report.sums[kind] ?? AuditReport.Sum()
      rows.append([
        "row": "sum", "class": .string(kind.rawValue), "lines": .number(sum.lines),
        "cost_nanos": Self.nanos(sum.cost), "bound_nanos": Self.nanos(sum.bound),
      ])
    }
    var tokens: JSONObject = ["row": "tokens"]
    for (kind, count) in zip(AuditReport.Usage.kinds, report.usage.counts) {
      tokens[kind] = .number(JSONNumber(count))
    }
    rows.append(.object(tokens))
    for line in report.open {
      rows.append([
        "row": "uncertain", "attempt": .string(Self.attempt(line)),
        "line": .number(JSONNumber(line.number)), "product": .string(line.product),
        "call_key": .string(line.callKey), "provider": .string(line.provider),
        "request_id": .string(line.requestID), "cost_nanos": Self.nanos(line.cost),
        "ended_at_ms": .number(JSONNumber(line.endedAt)),
      ])
    }
    for difference in differences { rows.append(Self.row(difference)) }
    for problem in report.problems {
      rows.append([
        "row": "problem", "kind": .string(problem.kind.rawValue), "place": .string(problem.place),
        "detail": .string(problem.detail),
      ])
    }
    rows.append(result)
    return rows
  }

  private static func row(_ difference: BillComparison.Difference) -> JSONValue {
    [
      "row": "difference", "kind": .string(difference.kind.rawValue),
      "request_id": .string(difference.requestID), "call_key": .string(difference.callKey),
      "line": difference.line.map { .number(JSONNumber($0)) } ?? .null,
      "ledger_nanos": difference.ledgerCost.map(nanos) ?? .null,
      "billed_nanos": difference.billedCost.map(nanos) ?? .null,
    ]
  }

  private var result: JSONValue {
    [
      "row": "result", "adds_up": .bool(report.isClean), "lines": .number(report.lines),
      "calls": .number(report.calls), "settled_nanos": Self.nanos(report.settled),
      "uncertain_nanos": Self.nanos(report.uncertain), "uncertain": .number(report.open.count),
      "problems": .number(report.problems.count),
      "billed_nanos": report.bill.map { Self.nanos($0.billedTotal) } ?? .null,
      "equals_bill": report.bill.map { .bool($0.differences.isEmpty) } ?? .null,
      "differences": .number(differences.count),
    ]
  }

  private static func nanos(_ money: NanoDollars) -> JSONValue { .number(JSONNumber(money.count)) }
}
