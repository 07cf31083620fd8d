import Console
import GatewayContract
import RPC
import ScoreContract
package import ToolContext

/// `assay ledger cache`: what prompt caches were expected to give, gave and saved.
package enum LedgerCacheCommand {
  package static let command = Command(
    "ledger cache", "tell what prompt caches gave and saved, by model",
    flags: AccountService.flags + AccountText.scopeFlags + LedgerCommands.timeFlags,
    details: """
      Input is told apart as the provider bills it: fresh, written into a cache, read from one.
      "expected" is what the planning expected to be read; "uncached" is what the same tokens
      would have cost without any cache. What is uncertain is in none of these.
      """,
    examples: ["assay ledger cache --run r-17", "assay ledger cache --product demo --since 24h"]
  ) { context in
    let request = GetCachingRequest(
      scope: AccountText.scope(context), fromMs: try AccountText.moment("since", context),
      toMs: try AccountText.moment("until", context))
    let answer = try await AccountService.asking(context) { service in
      try await service.account.getCaching(request, options: service.options)
    }
    var total = answer.total ?? Caching()
    total.model = "total"
    if context.terminal.isJSON {
      let json = AccountJSON()
      for row in answer.rows + [total] { context.terminal.line(json.value(of: row)) }
      return .success
    }
    var table = TextTable(
      [
        "model", "calls", "fresh", "written", "read", "expected", "cost", "uncached", "saved",
      ],
      right: [1, 2, 3, 4, 5, 6, 7, 8])
    for row in answer.rows + [total] {
      let usage = row.usage ?? Usage()
      table.add([
        row.model, String(row.calls), String(usage.inputTokens), String(usage.cacheWriteTokens),
        String(usage.cacheReadTokens), String(row.cacheReadPredicted),
        AccountText.money(usage.costNanos), AccountText.money(row.uncachedCostNanos),
        percent(row.savedShare),
      ])
    }
    context.terminal.table(table, isEmpty: answer.rows.isEmpty, "nothing was asked")
    return .success
  }

  /// `70.1 %`, rounded towards nothing.
  private static func percent(_ share: Double) -> String {
    guard share.isFinite, abs(share) < 1_000 else { return "-" }
    let tenths = Int(share * 1_000)
    return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10) %"
  }
}
