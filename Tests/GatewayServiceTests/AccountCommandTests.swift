import GatewayContract
import GatewayFixtures
import Glibc
import JSON
import Machine
import RPC
import SQLite
import TestSupport
import Testing

/// `assay ledger | budget | key | product | model`, as the program that it is.
@Suite(.timeLimit(.minutes(2))) struct AccountCommandTests {
  private typealias Fixture = AccountFixture

  /// Runs the real tool against the fixture's gateway.
  private func assay(
    _ fixture: Fixture, _ words: String..., uid: UInt32? = nil
  ) async throws -> ChildTool.Output {
    let group = words[0]
    let isAudit = group == "ledger" && words[1] == "audit"
    let address = isAudit ? [] : ["--address", "unix:\(fixture.gateway.folder)/gw.sock"]
    return try await ChildTool.run(
      try BuildPlace.executable("assay"), words + address,
      environment: ["NO_COLOR": "1", "SWIFT_BACKTRACE": "enable=no"], uid: uid)
  }

  private func rows(_ output: ChildTool.Output) throws -> [JSONValue] {
    try #require(!output.lines.isEmpty, "\(output)")
    return try output.lines.map { try JSONValue(parsing: $0) }
  }

  // MARK: - The audit

  @Test func `the audit tells what it added up, beside a gateway that runs and without one`()
    async throws
  {
    try await Fixture.with { fixture in
      for index in 0..<3 { _ = try await fixture.gateway.message("question \(index)") }
      _ = try await fixture.lines(3)
      let folder = fixture.gateway.folder
      let bill = ["--bill", "unix:\(folder)/provider.sock"]
      let live = try await assay(fixture, "ledger", "audit", "\(folder)/ledger", bill[0], bill[1])
      #expect(live.status == 0, "\(live.lastWords)")
      #expect(live.errorLines == ["the ledger adds up: 3 lines; the bill says the same"])
      #expect(live.lines.contains { $0.hasPrefix("settled") && $0.contains("3") })
      try await fixture.gateway.gateway.end()
      try await fixture.gateway.simulator.end()
      let file = "\(folder)/ledger/ledger.db"
      let offline = try await assay(
        fixture, "ledger", "audit", file, "--bill", "\(folder)/bill.jsonl", "--json")
      #expect(offline.status == 0, "\(offline.lastWords)")
      let rows = try rows(offline)
      #expect(rows.filter { $0["row"] == "sum" }.count == 5)
      let settled = try #require(rows.first { $0["class"] == "settled" })
      let result = try #require(rows.last)
      #expect(settled["lines"]?.intValue == 3 && result["calls"]?.intValue == 3)
      #expect(result["adds_up"] == true && result["equals_bill"] == true)
      #expect(settled["cost_nanos"] == result["billed_nanos"])
    }
  }

  @Test func `a bill that says otherwise is told line by line, with exit code 1`() async throws {
    try await Fixture.with { fixture in
      for index in 0..<3 { _ = try await fixture.gateway.message("question \(index)") }
      _ = try await fixture.lines(3)
      let folder = fixture.gateway.folder
      try await fixture.gateway.simulator.end()
      var lines = try Files.readText("\(folder)/bill.jsonl").split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      // One is gone, one is dearer, one more is there.
      lines.removeFirst()
      var changed = try JSONValue(parsing: lines[0]).objectValue ?? [:]
      changed["cost_nanos"] = 7
      lines[0] = JSONValue.object(changed).text()
      changed["request_id"] = "req_stranger"
      lines.append(JSONValue.object(changed).text())
      try Files.replace("\(folder)/wrong.jsonl", with: lines.joined(separator: "\n"))
      let told = try await assay(
        fixture, "ledger", "audit", "\(folder)/ledger", "--bill", "\(folder)/wrong.jsonl", "--json")
      #expect(told.status == 1)
      let differences = try rows(told).filter { $0["row"] == "difference" }
      #expect(
        Set(differences.compactMap { $0["kind"]?.stringValue })
          == ["missing", "extra", "differing"])
      #expect(differences.count == 3)
      let text = try await assay(
        fixture, "ledger", "audit", "\(folder)/ledger", "--bill", "\(folder)/wrong.jsonl")
      #expect(text.status == 1 && text.errorLines.last?.contains("3 differences") == true)
      #expect(text.lines.contains { $0.contains("missing") && $0.contains("req_stranger") })
    }
  }

  @Test func `a row that was changed by another hand does not add up`() async throws {
    try await Fixture.with { fixture in
      _ = try await fixture.gateway.message("question")
      _ = try await fixture.lines(1)
      try await fixture.gateway.gateway.end()
      let file = "\(fixture.gateway.folder)/ledger/ledger.db"
      try Self.forge(file)
      let told = try await assay(fixture, "ledger", "audit", file)
      #expect(told.status == 1)
      #expect(told.lines.contains { $0.hasPrefix("problem: ") }, "\(told.lines)")
      #expect(told.errorLines.last?.hasPrefix("the ledger does not add up") == true)
    }
  }

  private static func forge(_ file: String) throws {
    let connection = try Connection(file, ConnectionOptions(.readWrite))
    try connection.execute("DROP TRIGGER lines_no_update")
    try connection.execute("UPDATE lines SET cost = cost - 1")
  }

  @Test func `what is no ledger, and no bill, is told with what to do`() async throws {
    try await Fixture.with { fixture in
      let folder = fixture.gateway.folder
      try Files.replace("\(folder)/text.db", with: "no ledger at all")
      try Files.replace("\(folder)/bad.jsonl", with: "{\"request_id\": 1}\n")
      for (words, reason) in [
        (["\(folder)/none"], "LEDGER_INACCESSIBLE"),
        (["\(folder)/ledger", "--bill", "\(folder)/none"], "BILL_UNREADABLE"),
        (["\(folder)/ledger", "--bill", "\(folder)/bad.jsonl"], "BILL_UNREADABLE"),
        (["\(folder)/ledger", "--bill", "unix:\(folder)/none.sock"], "BILL_UNREADABLE"),
      ] {
        let told = try await ChildTool.run(
          try BuildPlace.executable("assay"), ["ledger", "audit"] + words)
        #expect(told.status == 1 && told.lines.isEmpty)
        #expect(told.errorLines.first?.hasPrefix("error[\(reason)]") == true, "\(told.errorLines)")
      }
      let foreign = try await ChildTool.run(
        try BuildPlace.executable("assay"), ["ledger", "audit", "\(folder)/text.db"])
      #expect(foreign.status == 1)
    }
  }

  // MARK: - The gateway

  @Test func `money is asked for and set, exact to the last digit`() async throws {
    try await Fixture.with { fixture in
      let reply = try await fixture.gateway.message("question")
      _ = try await fixture.lines(1)
      let lines = try rows(try await assay(fixture, "ledger", "lines", "--json"))
      #expect(lines.count == 1 && lines[0]["state"] == "SETTLED")
      #expect(lines[0]["usage"]?["costNanos"]?.stringValue == String(reply.cost))
      let spend = try await assay(fixture, "ledger", "spend", "--by", "key")
      #expect(spend.lines.first?.hasPrefix("key") == true && spend.lines.count == 3)
      let days = try rows(
        try await assay(fixture, "ledger", "spend", "--by", "day", "--since", "24h", "--json"))
      #expect(days.count == 2 && days[0]["group"]?.stringValue?.utf8.count == 10)
      let set = try await assay(fixture, "budget", "set", "demo/total", "0.000000123")
      #expect(set.status == 0 && set.lines.contains { $0.contains("$0.000000123") }, "\(set)")
      #expect(try await fixture.gateway.message("more").reason == "BUDGET_EXHAUSTED")
      let budgets = try rows(try await assay(fixture, "budget", "ls", "--json"))
      #expect(budgets.map { $0["id"]?.stringValue } == ["demo/total", "other/total"])
      #expect(budgets[0]["capNanos"]?.stringValue == "123")
      #expect(budgets[0]["origin"] == "account" && budgets[1]["origin"] == "file")
      let each = try await assay(
        fixture, "budget", "set", "2", "--product", "other", "--run", "*", "--period", "day")
      #expect(each.lines.last?.contains("run each") == true, "\(each)")
      let price = try rows(
        try await assay(
          fixture, "model", "price", "claude-haiku-4-5", "--input", "1.000000001", "--version",
          "mine", "--json"))
      #expect(price[0]["price"]?["inputNanos"]?.stringValue == "1000000001")
      #expect(price[0]["price"]?["outputNanos"]?.stringValue == "5000000000")
      let models = try await assay(fixture, "model", "ls")
      #expect(models.lines.contains { $0.contains("claude-haiku-4-5") && $0.contains("mine") })
      let history = try await assay(fixture, "model", "price", "claude-haiku-4-5")
      #expect(history.lines.count == 3 && history.lines.last?.contains("$1.000000001") == true)
    }
  }

  @Test func `a key goes from the tool to the door, and is ended`() async throws {
    try await Fixture.with { fixture in
      let product = try await assay(
        fixture, "product", "set", "lab", "--weight", "2", "--model", "claude-haiku-4-5",
        "--concurrency", "3")
      #expect(product.status == 0, "\(product.lastWords)")
      let made = try await assay(fixture, "key", "create", "lab", "ci")
      #expect(made.status == 0 && made.lines.count == 1)
      #expect(made.errorLines == ["lab/ci: this is the only time that it is told"])
      #expect(try await fixture.gateway.message("hello", key: made.lines[0]).status == 200)
      let closed = try rows(try await assay(fixture, "product", "set", "lab", "--close", "--json"))
      #expect(closed[0]["isClosed"] == true && closed[0]["weight"] == 2)
      #expect(closed[0]["limits"]?["concurrency"]?.stringValue == "3")
      let reply = try await fixture.gateway.message("hello", key: made.lines[0])
      #expect(reply.reason == "PRODUCT_CLOSED")
      let revoked = try await assay(fixture, "key", "revoke", "lab/ci")
      #expect(revoked.status == 0)
      #expect(try await fixture.gateway.message("hello", key: made.lines[0]).status == 401)
      let keys = try rows(try await assay(fixture, "key", "ls", "lab", "--json"))
      #expect(keys.count == 1 && keys[0]["id"] == "lab/ci")
      #expect(keys[0]["revokedAtMs"]?.stringValue != "0")
      let products = try await assay(fixture, "product", "ls")
      #expect(products.lines.contains { $0.hasPrefix("lab") && $0.contains("closed") })
    }
  }

  @Test func `what cannot be done says why, and what to do, by its exit code`() async throws {
    try await Fixture.with { fixture in
      let tests: [([String], Int32, String)] = [
        (["budget", "set", "demo/totl", "1"], 1, "hint: did you mean demo/total?"),
        (["budget", "rm", "demo/totl"], 1, "hint: did you mean demo/total?"),
        (["budget", "rm", "demo/total"], 1, "error[BUDGET_IN_FILE]"),
        (["product", "rm", "demo"], 1, "error[PRODUCT_IN_FILE]"),
        (["ledger", "cache", "--since", "yesterday"], 2, "--since takes a day"),
        (["key", "create", "nobody", "ci"], 1, "error[UNKNOWN_PRODUCT]"),
        (["key", "create", "demo", "ci"], 1, "error[KEY_EXISTS]"),
        (["key", "revoke", "demo/none"], 1, "error[KEY_UNKNOWN]"),
        (["model", "price", "claude-haiku-4-6"], 1, "hint: did you mean claude-haiku-4-5?"),
        (["ledger", "resolve", "9-9", "1", "--evidence", "e"], 1, "error[ATTEMPT_UNKNOWN]"),
        (["ledger", "lines", "--product", "a b"], 1, "error[BAD_REQUEST]"),
        (["ledger", "lines", "--limit", "0"], 2, "--limit takes a number"),
        (["ledger", "lines", "--since", "yesterday"], 2, "--since takes a day"),
        (["ledger", "resolve", "1-1", "1"], 2, "--evidence"),
        (["ledger", "resolve", "1-1", "1e3", "--evidence", "e"], 2, "an amount in dollars"),
        (["ledger", "spend", "--by", "colour"], 2, "product, key, run"),
        (["budget", "set", "0.0000000001"], 2, "an amount in dollars"),
        (["budget", "set", "demo/total", "1", "--run", "r"], 2, "leave out either"),
        (["product", "set", "lab", "--weight", "0"], 2, "--weight takes a number"),
        (["product", "set", "lab", "--open", "--close"], 2, "say the opposite"),
      ]
      let tool = try BuildPlace.executable("assay")
      let address = ["--address", "unix:\(fixture.gateway.folder)/gw.sock"]
      for (words, status, text) in tests {
        let told = try await ChildTool.run(tool, words + address)
        #expect(told.status == status && told.lines.isEmpty, "\(words): \(told)")
        #expect(told.errorLines.contains { $0.contains(text) }, "\(words): \(told.errorLines)")
      }
      let nobody = try await ChildTool.run(
        tool, ["budget", "ls", "--address", "unix:\(fixture.gateway.folder)/none.sock"])
      #expect(nobody.status == 7, "\(nobody)")
    }
  }

  /// Needs a second account of the machine to be asked by.
  @Test(.enabled(if: getuid() == 0)) func `a stranger at the machine is refused, with exit code 4`()
    async throws
  {
    try await Fixture.with { fixture in
      let folder = fixture.gateway.folder
      for (path, mode) in [(folder, mode_t(0o755)), ("\(folder)/gw.sock", 0o666)] {
        let changed = unsafe chmod(path, mode)
        try #require(changed == 0)
      }
      let told = try await assay(fixture, "budget", "ls", uid: 65_534)
      #expect(told.status == 4 && told.lines.isEmpty, "\(told)")
      let key = try await assay(fixture, "key", "create", "demo", "mine", uid: 65_534)
      #expect(key.status == 4 && key.lines.isEmpty)
    }
  }
}
