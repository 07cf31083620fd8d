import Faults
import GatewayAudit
import GatewayContract
import GatewayFixtures
import JSON
import Machine
import TestSupport
import Testing

/// Keys and products that are made while the gateway runs.
@Suite(.timeLimit(.minutes(2))) struct AccountKeyTests {
  private typealias Fixture = AccountFixture

  @Test func `a key that is made is let in at once, and not any more when it is revoked`()
    async throws
  {
    try await Fixture.with { fixture in
      let made = try await fixture.account.createKey(CreateKeyRequest(product: "demo", name: "new"))
      let key = try #require(made.key)
      #expect(key.id == "demo/new" && key.origin == "account" && key.revokedAtMs == 0)
      #expect(made.secret.hasPrefix("assay_") && made.secret.utf8.count == 70)
      #expect(try await fixture.gateway.message("hello", key: made.secret).status == 200)
      let line = try await fixture.lines(1).first
      #expect(line?.scope?.key == "new")
      try await fixture.restarted { fixture, tool in
        #expect(try await fixture.gateway.message("again", key: made.secret).status == 200)
        // Neither what is logged nor what is kept says the secret.
        for path in ["ledger.db", "ledger.db-wal"] {
          let bytes = (try? Files.read("\(fixture.gateway.folder)/ledger/\(path)")) ?? []
          #expect(!String(decoding: bytes, as: UTF8.self).contains(made.secret))
        }
        #expect(!tool.output.errorLines.contains { $0.contains(made.secret) })
        let revoked = try await fixture.account.revokeKey(RevokeKeyRequest(id: "demo/new"))
        #expect(revoked.revokedAtMs > 0)
        try await expectRefusal(fixture, made.secret)
        // Revoking twice is revoking once.
        #expect(try await fixture.account.revokeKey(RevokeKeyRequest(id: "demo/new")) == revoked)
        let again = await fixture.reason {
          _ = try await fixture.account.createKey(CreateKeyRequest(product: "demo", name: "new"))
        }
        #expect(again == "KEY_EXISTS")
        // Of the file, too.
        _ = try await fixture.account.revokeKey(RevokeKeyRequest(id: "demo/ci"))
        try await expectRefusal(fixture, GatewayFixture.key)
      }
      try await fixture.restarted { fixture, _ in
        try await expectRefusal(fixture, made.secret)
        try await expectRefusal(fixture, GatewayFixture.key)
        let keys = try await fixture.account.listKeys(ListKeysRequest(product: "demo")).keys
        #expect(keys.map(\.id) == ["demo/ci", "demo/new"])
        #expect(keys.allSatisfy { $0.revokedAtMs > 0 })
      }
      #expect(try fixture.audit().problems == [])
    }
  }

  /// In the words of either family.
  private func expectRefusal(_ fixture: Fixture, _ secret: String) async throws {
    let anthropic = try await fixture.gateway.message("no", key: secret)
    #expect(anthropic.status == 401)
    #expect(anthropic.json["error"]?["type"]?.stringValue == "authentication_error")
    let chat = try await fixture.gateway.ask(
      "/v1/chat/completions", ["model": "gpt-5.6-luna", "messages": []], key: secret)
    #expect(chat.status == 401 && chat.json["error"]?["message"]?.stringValue != nil)
    #expect(chat.json["type"] == nil)
  }

  @Test func `near and random keys are never let in`() async throws {
    try await Fixture.with { fixture in
      let made = try await fixture.account.createKey(CreateKeyRequest(product: "demo", name: "new"))
      let secret = made.secret
      var tries = [secret.uppercased(), String(secret.dropLast()), secret + "0", "assay_", "x"]
      for place in [6, 37, 69] {
        var bytes = Array(secret.utf8)
        bytes[place] = bytes[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
        tries.append(String(decoding: bytes, as: UTF8.self))
      }
      for key in tries {
        #expect(try await fixture.gateway.message("no", key: key).status == 401)
      }
    }
  }

  @Test func `a product is made, held to its models, closed and opened again`() async throws {
    try await Fixture.with { fixture in
      var product = Product(name: "lab", weight: 3, models: ["claude-haiku-4-5"])
      product.limits = CallLimits(concurrency: 7)
      let made = try await fixture.account.setProduct(product)
      #expect(made.origin == "account" && made.limits?.concurrency == 7 && made.weight == 3)
      let secret = try await fixture.account.createKey(
        CreateKeyRequest(product: "lab", name: "k")
      ).secret
      #expect(try await fixture.gateway.message("hello", key: secret).status == 200)
      let other = try await fixture.gateway.ask(
        "/v1/chat/completions",
        ["model": "gpt-5.6-luna", "messages": [["role": "user", "content": "x"]]], key: secret)
      #expect(other.status == 403 && other.reason == "MODEL_NOT_ALLOWED")
      product.isClosed = true
      _ = try await fixture.account.setProduct(product)
      let closed = try await fixture.gateway.message("closed", key: secret)
      #expect(closed.status == 403 && closed.reason == "PRODUCT_CLOSED")
      try await fixture.restarted { fixture, _ in
        #expect(try await fixture.gateway.message("still", key: secret).reason == "PRODUCT_CLOSED")
        product.isClosed = false
        _ = try await fixture.account.setProduct(product)
        #expect(try await fixture.gateway.message("open", key: secret).status == 200)
        let products = try await fixture.account.listProducts(ListProductsRequest()).products
        #expect(products.map(\.name) == ["demo", "lab", "other"])
        #expect(products.map(\.origin) == ["file", "account", "file"])
      }
      #expect(try fixture.audit().problems == [])
    }
  }
}
