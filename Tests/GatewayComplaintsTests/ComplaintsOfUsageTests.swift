import GatewayAudit
import GatewayContract
import GatewayFixtures
import GatewayValues
import JSON
import ScoreContract
import TestSupport
import Testing

/// What users complain of: usage that is lost, doubled, mispriced, or told too late.
@Suite(.timeLimit(.minutes(3))) struct ComplaintsOfUsageTests {
  private static let demo = BudgetScope(product: "demo")

  @Test func `complaint 7: who leaves a stream at any byte loses no usage, and pays it once`()
    async throws
  {
    let places = [0, 1, 15, 100, 250, 500, 900, 1_400, 2_000, 3_000]
    try await AccountFixture.with { fixture in
      let gateway = fixture.gateway
      // Long enough on its way that whoever leaves leaves in the midst.
      try await gateway.control(
        "/control/script", ["latency": ["first_ms": 20, "per_token_ms": 1]])
      let calls = DialectCall.allCases.count * places.count
      let client = CutClient(gateway, together: calls)
      _ = try await gateway.together(calls) { index in
        let dialect = DialectCall.allCases[index % 3]
        let place = places[index / 3]
        let body = dialect.body("cut \(index)", most: 200, isStream: true)
        try await client.post(dialect.path, body, readingAtMost: place)
      }
      // Read to its end all the same: each is settled as it was billed.
      try await eventually("nothing is held", on: gateway.loop) {
        let budgets = try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo))
        return budgets.budgets.first?.heldNanos == 0
      }
      let (report, bill) = try await gateway.closed()
      // Who is gone before anybody has read what it asks has asked nothing.
      #expect((calls - 3...calls).contains(bill.equal), "\(bill.equal)")
      #expect(bill.uncertain.isEmpty && report.lines == bill.equal)
      #expect(report.settled == bill.billedTotal)
    }
  }

  @Test func `complaint 7: a usage of zero that was told is zero, and not the bound`()
    async throws
  {
    try await AccountFixture.with { fixture in
      try await fixture.gateway.script([["fault": "usage-zero"]])
      for dialect in DialectCall.allCases {
        for isStream in [false, true] {
          let reply = try await fixture.gateway.ask(dialect, "zero", isStream: isStream)
          #expect(reply.status == 200 && reply.cost == 0, "\(reply.text)")
        }
      }
      let lines = try await fixture.lines(6)
      #expect(lines.allSatisfy { $0.state == .settled && $0.usage?.costNanos == 0 })
      #expect(lines.allSatisfy { $0.usage?.completeness == .exact })
    }
  }

  private static let document = (0..<1_500).map { "Line \($0) of a document." }
    .joined(separator: "\n")

  /// A long beginning, then a question.
  private func about(
    _ topic: String, _ question: String, _ dialect: DialectCall, isStream: Bool
  ) -> JSONValue {
    let begin = "\(topic)\n\(Self.document)"
    let further: JSONObject =
      switch dialect {
      case .messages:
        [
          "system": [
            ["type": "text", "text": .string(begin), "cache_control": ["type": "ephemeral"]]
          ]
        ]
      case .chat:
        [
          "messages": [
            ["role": "system", "content": .string(begin)],
            ["role": "user", "content": .string(question)],
          ],
          "stream_options": isStream ? ["include_usage": true] : .null,
        ]
      case .responses: ["instructions": .string(begin)]
      }
    return dialect.body(question, isStream: isStream, further)
  }

  @Test func `complaint 8: cached tokens are counted once, at their price, in streams too`()
    async throws
  {
    try await GatewayFixture.with { fixture in
      for dialect in DialectCall.allCases {
        for isStream in [false, true] {
          for question in ["first?", "second?", "third?"] {
            let topic = "\(dialect) \(isStream)"
            let reply = try await fixture.ask(
              dialect.path, about(topic, question, dialect, isStream: isStream))
            #expect(reply.status == 200, "\(reply.text)")
            let billed = try #require(try await fixture.billed().last)
            let told = try #require(UsageTold(reply, dialect, isStream: isStream))
            #expect(told.cacheRead == billed.usage.cacheRead)
            #expect(told.cacheWrite == billed.usage.cacheWriteShort)
            #expect(told.input == billed.usage.inputTotal)
            #expect(told.output == billed.usage.outputTotal)
            if !isStream { #expect(reply.cost == billed.cost.count) }
          }
        }
      }
      let usages = try await fixture.billed().map(\.usage)
      #expect(usages.count { $0.cacheRead > 4_096 } == 12, "\(usages)")
      // Kind by kind and to the nano-dollar: nothing twice, nothing at another kind's price.
      let (report, bill) = try await fixture.closed()
      #expect(bill.equal == 18 && report.settled == bill.billedTotal)
      let kinds = Dictionary(
        uniqueKeysWithValues: zip(AuditReport.Usage.kinds, report.usage.counts))
      #expect(kinds["cache_read"] == usages.reduce(0) { $0 + $1.cacheRead })
      #expect(kinds["cache_write"] == usages.reduce(0) { $0 + $1.cacheWriteShort })
      #expect(kinds["input"] == usages.reduce(0) { $0 + $1.freshInput })
    }
  }

  @Test func `complaint 10: a batch is charged at the batch price, in the ledger`() async throws {
    try await AccountFixture.with { fixture in
      let gateway = fixture.gateway
      let alone = try await gateway.together(2) { index in
        let dialect = [DialectCall.messages, .chat][index]
        return try await gateway.ask(dialect, "item 1", most: 50).cost
      }
      // Slow enough that another process collects what this one has sent.
      try await gateway.latency(milliseconds: 300)
      let requests = (0..<3).map { index in
        let params = DialectCall.messages.body("item \(index)", most: 50)
        return ["custom_id": .string("call-\(index)"), "params": params] as JSONValue
      }
      let first = try await gateway.ask("/v1/messages/batches", ["requests": .array(requests)])
      let second = try await gateway.openAIBatch(3)
      let ids = [first, second].compactMap { $0.json["id"]?.stringValue }
      try #require(ids.count == 2, "\(first.text) \(second.text)")
      try await fixture.restarted { fixture, _ in
        try await eventually("both have ended", on: gateway.loop) {
          let one = try await fixture.gateway.get("/v1/messages/batches/\(ids[0])").json
          let other = try await fixture.gateway.get("/v1/batches/\(ids[1])").json
          return one["processing_status"] == "ended" && other["status"] == "completed"
        }
        let lines = try await fixture.lines(8).filter { !$0.callKey.isEmpty }
        let bill = try await gateway.billed()
        #expect(bill.count { $0.isBatched } == 6)
        for (id, whole) in zip(ids, alone) {
          let own = lines.filter { $0.callKey.hasPrefix(id) }
          #expect(own.count == 3, "\(lines.map(\.callKey))")
          #expect(own.allSatisfy { $0.state == .settled && $0.scope?.product == "demo" })
          // Never nothing, and of the same request half of what it costs alone.
          #expect(own.allSatisfy { ($0.usage?.costNanos ?? 0) > 0 })
          let same = own.first { $0.callKey == "\(id)-1" }
          #expect(same?.usage?.costNanos == (whole + 1) / 2, "\(own) \(whole)")
        }
        let spend = try await fixture.account.getSpend(GetSpendRequest(group: .product))
        #expect(spend.rows.map(\.group) == ["demo"])
        #expect(spend.total?.usage?.costNanos == bill.reduce(0) { $0 + $1.cost.count })
      }
      try await gateway.simulator.end()
      #expect(try await gateway.closed().bill.equal == 8)
    }
  }

  @Test(arguments: DialectCall.allCases)
  func `complaint 22: a stream's usage is whole, told, and counted when it ends`(
    dialect: DialectCall
  ) async throws {
    try await AccountFixture.with { fixture in
      let gateway = fixture.gateway
      var spent: Int64 = 0
      for (number, asksForUsage) in [true, false].enumerated() {
        let options: JSONObject =
          dialect == .chat && asksForUsage ? ["stream_options": ["include_usage": true]] : [:]
        let reply = try await gateway.ask(
          dialect.path, dialect.body("tell \(number)", most: 60, isStream: true, options))
        #expect(reply.status == 200, "\(reply.text)")
        // No waiting: what is left has fallen when the last byte has come.
        let budget = try await fixture.account.listBudgets(ListBudgetsRequest(scope: Self.demo))
          .budgets.first
        let billed = try #require(try await gateway.billed().last)
        spent += billed.cost.count
        #expect(budget?.settledNanos == spent && budget?.heldNanos == 0)
        #expect(billed.usage.output > 0 && billed.usage.freshInput > 0)
        let told = UsageTold(reply, dialect, isStream: true)
        guard dialect != .chat || asksForUsage else {
          // It did not ask, and is not told; the ledger knows all the same.
          #expect(told == nil && !reply.text.contains("prompt_tokens"), "\(reply.text)")
          continue
        }
        #expect(told?.input == billed.usage.inputTotal && told?.output == billed.usage.outputTotal)
      }
      #expect(try await gateway.closed().bill.equal == 2)
    }
  }
}
