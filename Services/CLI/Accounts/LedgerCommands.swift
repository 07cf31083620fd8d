import Console
import GatewayContract
import RPC
import ScoreContract
package import ToolContext

/// `assay ledger lines`, `spend`, `cache` and `resolve`: what was paid, asked of the gateway.
package enum LedgerCommands {
  static let timeFlags = [
    Flag("since", value: "TIME", "ended then or later: a day, a time, or how long ago (24h)"),
    Flag("until", value: "TIME", "ended before then"),
  ]

  // MARK: - lines

  package static let lines = Command(
    "ledger lines", "list attempts that were paid for, the newest first",
    flags: AccountService.flags + AccountText.scopeFlags + timeFlags + [
      Flag("call", value: "KEY", "of the call with this key"),
      Flag("uncertain", "only those of which nobody knows what they cost"),
      Flag("limit", value: "COUNT", "so many; 20 unless given"),
    ],
    examples: ["assay ledger lines --product demo --since 24h", "assay ledger lines --uncertain"]
  ) { context in
    var request = ListLinesRequest(
      scope: AccountText.scope(context), fromMs: try AccountText.moment("since", context),
      toMs: try AccountText.moment("until", context),
      isUncertainOnly: context.invocation.has("uncertain"),
      callKey: context.invocation.value("call") ?? "")
    let limit =
      try AccountText.count(
        "limit", 1...Int64(AccountCommandLimits.linesMax), context) ?? 20
    let asked = request
    let found = try await AccountService.asking(context) { service in
      var (request, lines) = (asked, [LedgerLine]())
      repeat {
        request.pageSize = UInt32(min(Int(limit) - lines.count, AccountCommandLimits.pageMax))
        let page = try await service.account.listLines(request, options: service.options)
        lines += page.lines
        request.pageToken = page.nextPageToken
      } while !request.pageToken.isEmpty && lines.count < Int(limit)
      return lines
    }
    request.pageSize = 0
    show(found, context.terminal)
    return .success
  }

  private static func show(_ lines: [LedgerLine], _ terminal: Terminal) {
    if terminal.isJSON {
      let json = AccountJSON()
      for line in lines { terminal.line(json.value(of: line)) }
      return
    }
    var table = TextTable(
      ["attempt", "ended", "scope", "provider", "state", "in", "out", "cost", "outcome"],
      right: [5, 6, 7])
    for line in lines {
      let usage = line.usage ?? Usage()
      let input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
      table.add([
        line.attemptId, AccountText.moment(line.settledAtMs), AccountText.scope(line.scope),
        line.provider, AccountText.state(line.state), String(input),
        String(usage.outputTokens + usage.reasoningTokens), AccountText.money(usage.costNanos),
        line.evidence.isEmpty ? line.outcome : "\(line.outcome); resolved: \(line.evidence)",
      ])
    }
    terminal.table(table, isEmpty: lines.isEmpty, "no line")
  }

  // MARK: - spend

  private static let groups: [String: GetSpendRequest.Group] = [
    "product": .product, "key": .key, "run": .run, "model": .model, "provider": .provider,
    "day": .day,
  ]

  package static let spend = Command(
    "ledger spend", "add up what was spent, by product unless another is named",
    flags: AccountService.flags + AccountText.scopeFlags + timeFlags + [
      Flag("by", value: "WHAT", "product, key, run, model, provider or day (UTC)")
    ],
    examples: ["assay ledger spend --by day --since 2026-11-01", "assay ledger spend --by model"]
  ) { context in
    let by = context.invocation.value("by") ?? "product"
    guard let group = groups[by] else {
      throw UsageError(
        "nothing is told apart by \(by)", hint: "product, key, run, model, provider or day",
        verb: "ledger spend")
    }
    let request = GetSpendRequest(
      scope: AccountText.scope(context), fromMs: try AccountText.moment("since", context),
      toMs: try AccountText.moment("until", context), group: group)
    let answer = try await AccountService.asking(context) { service in
      try await service.account.getSpend(request, options: service.options)
    }
    var total = answer.total ?? Spend()
    total.group = "total"
    if context.terminal.isJSON {
      let json = AccountJSON()
      for row in answer.rows + [total] { context.terminal.line(json.value(of: row)) }
      return .success
    }
    var table = TextTable(
      [by, "calls", "attempts", "in", "cached", "out", "settled", "uncertain"],
      right: [1, 2, 3, 4, 5, 6, 7])
    for row in answer.rows + [total] {
      let usage = row.usage ?? Usage()
      table.add([
        AccountText.dash(row.group), String(row.calls), String(row.attempts),
        String(usage.inputTokens + usage.cacheWriteTokens), String(usage.cacheReadTokens),
        String(usage.outputTokens + usage.reasoningTokens), AccountText.money(usage.costNanos),
        AccountText.money(row.uncertainNanos),
      ])
    }
    context.terminal.table(table, isEmpty: answer.rows.isEmpty, "nothing was spent")
    return .success
  }

  // MARK: - resolve

  package static let resolve = Command(
    "ledger resolve", "say what an uncertain attempt really cost",
    operands: Operands("ATTEMPT DOLLARS", count: 2...2),
    flags: AccountService.flags + [
      Flag("evidence", value: "TEXT", "where that is known from; kept with it")
    ],
    details: """
      The line stays as it was written, at its bound; a line that corrects it is added, and
      budgets get back what was charged too much. A line is corrected once.
      """,
    examples: ["assay ledger resolve 3-17 0.0021 --evidence 'invoice of November, line 12'"]
  ) { context in
    let cost = try AccountText.amount(context.operands[1], "the cost", context)
    guard let evidence = context.invocation.value("evidence"), !evidence.isEmpty else {
      throw UsageError(
        "assay ledger resolve needs --evidence", hint: "--evidence 'the provider's console'",
        verb: "ledger resolve")
    }
    let request = ResolveLineRequest(
      attemptId: context.operands[0], costNanos: cost, evidence: evidence)
    let line = try await AccountService.asking(context) { service in
      try await service.account.resolveLine(request, options: service.options)
    }
    if context.terminal.isJSON {
      context.terminal.line(AccountJSON().value(of: line))
    } else {
      context.terminal.line(
        "\(line.attemptId)  \(AccountText.money(line.usage?.costNanos ?? 0))"
          + "  was charged at \(AccountText.money(line.boundNanos))")
    }
    return .success
  }
}
