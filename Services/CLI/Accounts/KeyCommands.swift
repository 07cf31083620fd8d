import Console
import GatewayContract
import RPC
package import ToolContext

/// `assay key create`, `ls` and `revoke`: who may call at the gateway's HTTP door.
package enum KeyCommands {
  package static let create = Command(
    "key create", "make a key for a product; its secret is told once",
    operands: Operands("PRODUCT NAME", count: 2...2), flags: AccountService.flags,
    details: """
      The secret alone goes to standard output, so that it can go where it is needed without
      being seen. Only its SHA-256 is kept: a secret that is lost is replaced by another key.
      """,
    examples: ["assay key create demo ci > ci.key"]
  ) { context in
    let request = CreateKeyRequest(product: context.operands[0], name: context.operands[1])
    let made = try await AccountService.asking(context) { service in
      try await service.account.createKey(request, options: service.options)
    }
    if context.terminal.isJSON {
      context.terminal.line(AccountJSON().value(of: made))
    } else {
      context.terminal.talk("\(made.key?.id ?? ""): this is the only time that it is told")
      context.terminal.line(made.secret)
    }
    return .success
  }

  package static let list = Command(
    "key ls", "list keys, the revoked ones among them",
    operands: Operands("[PRODUCT]", count: 0...1), flags: AccountService.flags,
    examples: ["assay key ls demo"]
  ) { context in
    let request = ListKeysRequest(product: context.operands.first ?? "")
    let keys = try await AccountService.asking(context) { service in
      try await service.account.listKeys(request, options: service.options).keys
    }
    show(keys, context.terminal)
    return .success
  }

  package static let revoke = Command(
    "key revoke", "end a key for ever, from the next call on",
    operands: Operands("PRODUCT/NAME", count: 1...1), flags: AccountService.flags,
    examples: ["assay key revoke demo/ci"]
  ) { context in
    let request = RevokeKeyRequest(id: context.operands[0])
    let key = try await AccountService.asking(context) { service in
      try await service.account.revokeKey(request, options: service.options)
    }
    show([key], context.terminal)
    return .success
  }

  private static func show(_ keys: [Key], _ terminal: Terminal) {
    if terminal.isJSON {
      let json = AccountJSON()
      for key in keys { terminal.line(json.value(of: key)) }
      return
    }
    var table = TextTable(["key", "made", "revoked", "by"])
    for key in keys {
      table.add([
        key.id, AccountText.moment(key.createdAtMs), AccountText.moment(key.revokedAtMs),
        key.origin,
      ])
    }
    terminal.table(table, isEmpty: keys.isEmpty, "no key; make one with: assay key create")
  }
}
