import Console
import Faults
import GatewayContract
import RPC
package import ToolContext

/// `assay budget ls`, `set` and `rm`.
package enum BudgetCommands {
  package static let list = Command(
    "budget ls", "list budgets and how they stand",
    flags: AccountService.flags + AccountText.scopeFlags,
    examples: ["assay budget ls --product demo"]
  ) { context in
    let request = ListBudgetsRequest(scope: AccountText.scope(context))
    let budgets = try await AccountService.asking(context) { service in
      try await service.account.listBudgets(request, options: service.options).budgets
    }
    show(budgets, context.terminal)
    return .success
  }

  private static let periods: [String: Budget.Period] = [
    "total": .total, "day": .day, "month": .month,
  ]

  package static let set = Command(
    "budget set", "make a budget, or give one another cap",
    operands: Operands("[BUDGET] DOLLARS", count: 1...2),
    flags: AccountService.flags + [
      Flag("product", value: "NAME", "for this product; * for each alone"),
      Flag("key", value: "NAME", "for this key; * for each alone"),
      Flag("run", value: "ID", "for this run; * for each alone"),
      Flag("model", value: "NAME", "for this model; * for each alone"),
      Flag("period", value: "WHAT", "total, day or month; total unless given"),
      Flag("zone", value: "NAME", "whose days and months those are; UTC unless given"),
    ],
    details: """
      BUDGET is one of assay budget ls; without it the flags say whom the budget is for. The cap
      holds from the next call on. Below what is spent or held it admits no call, and takes back
      none.
      """,
    examples: [
      "assay budget set demo/day 25", "assay budget set 100 --product demo --period month",
      "assay budget set 0.50 --product demo --run '*'",
    ]
  ) { context in
    let hasName = context.operands.count == 2
    let cap = try AccountText.amount(context.operands[hasName ? 1 : 0], "the cap", context)
    let word = context.invocation.value("period") ?? "total"
    guard let period = periods[word] else {
      throw UsageError(
        "--period takes total, day or month, not \(word)", verb: "budget set")
    }
    let scope = AccountText.scope(context)
    let flags = ["product", "key", "run", "model", "period", "zone"]
    if hasName, let flag = flags.first(where: context.invocation.has) {
      throw UsageError(
        "\(context.operands[0]) says already what --\(flag) would", hint: "leave out either",
        verb: "budget set")
    }
    let made = try await AccountService.asking(context) { service in
      var request = SetBudgetRequest(
        scope: scope, period: period, timeZone: context.invocation.value("zone") ?? "",
        capNanos: cap)
      if hasName {
        let known = try await find(context.operands[0], service)
        (request.scope, request.period) = (known.scope, known.period)
      }
      return try await service.account.setBudget(request, options: service.options)
    }
    show([made], context.terminal)
    return .success
  }

  package static let remove = Command(
    "budget rm", "take a budget out of force", operands: Operands("BUDGET", count: 1...1),
    flags: AccountService.flags,
    details: """
      What was paid under it stays in the ledger, and so does its history. A budget of the
      gateway's file is taken out there; one under which calls are being made is refused.
      """,
    examples: ["assay budget rm demo/run:r-17/total"]
  ) { context in
    let request = RemoveBudgetRequest(id: context.operands[0])
    let removed = try await AccountService.asking(context) { service in
      try await service.account.removeBudget(request, options: service.options)
    }
    if context.terminal.isJSON {
      context.terminal.line(AccountJSON().value(of: removed))
    } else {
      context.terminal.line(
        "\(removed.id)  removed; \(AccountText.money(removed.settledNanos)) was settled under it")
    }
    return .success
  }

  private static func find(_ name: String, _ service: AccountService) async throws -> Budget {
    let known = try await service.account.listBudgets(
      ListBudgetsRequest(), options: service.options
    ).budgets
    if let found = known.first(where: { $0.id == name }) { return found }
    let near = Spelling.nearest(to: name, among: known.map(\.id))
    throw Fault(
      .notFound, reason: "BUDGET_UNKNOWN", "There is no budget \(name).",
      hint: near.map { "did you mean \($0)?" } ?? "assay budget ls", facts: ["budget": name])
  }

  private static func show(_ budgets: [Budget], _ terminal: Terminal) {
    if terminal.isJSON {
      let json = AccountJSON()
      for budget in budgets { terminal.line(json.value(of: budget)) }
      return
    }
    var table = TextTable(
      ["budget", "for", "period", "cap", "settled", "held", "uncertain", "left", "by"],
      right: [3, 4, 5, 6, 7])
    for budget in budgets {
      let used = budget.settledNanos + budget.heldNanos + budget.uncertainNanos
      table.add([
        budget.id, AccountText.scope(budget.scope), AccountText.period(budget.period),
        AccountText.money(budget.capNanos), AccountText.money(budget.settledNanos),
        AccountText.money(budget.heldNanos), AccountText.money(budget.uncertainNanos),
        AccountText.money(max(0, budget.capNanos - used)), budget.origin,
      ])
    }
    terminal.table(table, isEmpty: budgets.isEmpty, "no budget; make one with: assay budget set")
  }
}
