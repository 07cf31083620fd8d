import Compose
import Console
import Descriptors
import GatewayContract
import GatewayValues
import Telemetry
import ToolContext

/// How amounts, moments and scopes are said and read.
enum AccountText {
  static func money(_ nanos: Int64) -> String { NanoDollars(nanos).description }

  /// `2026-11-25T23:04:31Z`; a dash of none.
  static func moment(_ milliseconds: Int64) -> String {
    guard milliseconds > 0 else { return "-" }
    return TimeText.timestamp(seconds: milliseconds / 1_000, nanos: 0) ?? String(milliseconds)
  }

  static func dash(_ text: String) -> String { text.isEmpty ? "-" : text }

  static func scope(_ scope: BudgetScope?) -> String {
    guard let scope else { return "all" }
    let parts = [
      ("", scope.product), ("key ", scope.key), ("run ", scope.runId), ("model ", scope.model),
    ]
    let words = parts.filter { !$0.1.isEmpty }.map { $0.0 + ($0.1 == "*" ? "each" : $0.1) }
    return words.isEmpty ? "all" : words.joined(separator: ", ")
  }

  static func period(_ period: Budget.Period) -> String { period.name.lowercased() }

  static func state(_ state: LedgerLine.State) -> String { state.name.lowercased() }

  // MARK: - Reading

  /// An amount in dollars, as a flag or a word says it.
  static func amount(
    _ text: String, _ what: String, _ context: CommandContext
  ) throws(UsageError) -> Int64 {
    guard let money = NanoDollars(text: text) else {
      throw UsageError(
        "\(what) takes an amount in dollars, not \(text)",
        hint: "12.50, with at most nine decimals", verb: context.invocation.verb)
    }
    return money.count
  }

  /// A moment: a day, a time of one, or how long ago; 0 when the flag is not there.
  static func moment(
    _ flag: String, _ context: CommandContext
  ) throws(UsageError) -> Int64 {
    guard let text = context.invocation.value(flag) else { return 0 }
    if let ago = ComposeDuration.parse(text), ago > .zero {
      let now = WallTime.now()
      return max(1, now.seconds * 1_000 - ago.components.seconds * 1_000)
    }
    for whole in [text, "\(text)T00:00:00Z"] {
      if let time = TimeText.timestamp(whole), time.seconds > 0 {
        return time.seconds * 1_000 + Int64(time.nanos) / 1_000_000
      }
    }
    throw UsageError(
      "--\(flag) takes a day or how long ago, not \(text)",
      hint: "2026-11-01, 2026-11-01T08:00:00Z or 24h", verb: context.invocation.verb)
  }

  static func count(
    _ flag: String, _ range: ClosedRange<Int64>, _ context: CommandContext
  ) throws(UsageError) -> Int64? {
    guard let text = context.invocation.value(flag) else { return nil }
    guard let count = Int64(text), range.contains(count) else {
      throw UsageError(
        "--\(flag) takes a number from \(range.lowerBound) to \(range.upperBound), not \(text)",
        verb: context.invocation.verb)
    }
    return count
  }

  static let scopeFlags = [
    Flag("product", value: "NAME", "of this product"), Flag("key", value: "NAME", "of this key"),
    Flag("run", value: "ID", "of this run"), Flag("model", value: "NAME", "of this model"),
  ]

  static func scope(_ context: CommandContext) -> BudgetScope {
    let invocation = context.invocation
    return BudgetScope(
      product: invocation.value("product") ?? "", key: invocation.value("key") ?? "",
      runId: invocation.value("run") ?? "", model: invocation.value("model") ?? "")
  }
}

extension Terminal {
  /// A table for people, without the headline's paint on the rest; a word where there is nothing.
  func table(_ table: TextTable, isEmpty: Bool, _ nothing: String) {
    if isEmpty {
      talk(nothing)
    } else {
      let lines = table.lines { row, _, cell in
        row == 0 ? painted(cell, .bold) : Self.harmless(cell)
      }
      for text in lines { line(text) }
    }
  }
}
