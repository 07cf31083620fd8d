extension RuleSample {
  static let names: [RuleSample] = [
    RuleSample("no-drawers", "Shared/RPC/A.swift", "\nstruct ChannelManager {}", breaks: [2]),
    RuleSample("no-drawers", "Shared/RPC/RPCHelpers.swift", "", breaks: [1]),
    RuleSample("no-drawers", "Shared/RPC/Common/A.swift", "", breaks: [1]),
    RuleSample("no-drawers", "Shared/RPC/A.swift", "struct Commonwealth { let utility = 1 }"),

    RuleSample("file-named-after-type", "Shared/RPC/Channel.swift", "struct B {}", breaks: [1]),
    RuleSample("file-named-after-type", "Shared/RPC/Channel.swift", "enum A { struct Channel {} }"),
    RuleSample("file-named-after-type", "Shared/RPC/Call+Retry.swift", "extension Call.Options {}"),
    RuleSample("file-named-after-type", "Tests/RPCTests/CallFixture.swift", "struct A {}"),
    RuleSample("file-named-after-type", "Tests/Fuzz/Main/OneInput.swift", "func a() {}"),
    RuleSample(
      "file-named-after-type", "Shared/RPC/Call+Retry.swift", "// struct Call\nclass Retry {}",
      breaks: [1]),

    RuleSample(
      "no-leftover-placeholder",
      files: [("Shared/RPC/Placeholder.swift", ""), ("Shared/RPC/Channel.swift", "")],
      breaks: [1]),
    RuleSample(
      "no-leftover-placeholder",
      files: [("Shared/A/Wire/placeholder.c", ""), ("Shared/A/Wire/a.pb-c.c", "")], breaks: [1]),
    RuleSample(
      "no-leftover-placeholder",
      files: [("Shared/A/Wire/placeholder.c", ""), ("Shared/A/Wire/include/placeholder.h", "")]),
  ]

  static let documentation: [RuleSample] = [
    documented("package struct A {}", breaks: [1]),
    documented("/// A.\nstruct A {\n  package static func b() {\n\n\n\n\n\n}\n}", breaks: [3]),
    documented("// A.\n@safe\npackage final class A {}", breaks: [3]),
    documented(
      "/// A.\n@safe\npackage final class A {\n  package init() {}\n package var b = 1\n}"),
    documented("/// A.\n@safe package struct A: ~Copyable {}\npackage import JSON"),
    documented("/// A.\npackage protocol A { func b() }\npackage func b() {\n\n\n\n\n\n\n}"),
    documented("/// A.\npackage protocol A {}\npackage func b() {\n\n\n\n\n\n\n}", breaks: [3]),
    documented("package func a() {\n  b()\n}\npackage static func == (a: A) -> B { c }"),
    documented("/// A.\npackage enum A {\n  package enum Code {\n    case b\n  }\n}"),
    RuleSample("package-is-documented", "Services/Store/Service/A.swift", "package struct A {}"),

    RuleSample(
      "module-opens-with-its-purpose", "Shared/RPC/Channel.swift", "// A channel.\n// More.",
      breaks: [1]),
    RuleSample(
      "module-opens-with-its-purpose", "Shared/RPC/Channel.swift", "// RPC: calls.\nimport JSON",
      breaks: [1]),
    RuleSample(
      "module-opens-with-its-purpose", "Services/Store/Service/A.swift", "// Store: keeps.\n// B."),
    RuleSample(
      "module-opens-with-its-purpose",
      files: [
        ("Shared/RPC/Channel.swift", ""),
        ("Shared/RPC/RPC.swift", "// RPC: calls with deadlines.\n// Limits: `RPCLimits`."),
      ]),
  ]

  static let texts: [RuleSample] = [
    RuleSample("no-promises", "Shared/RPC/A.swift", "// a\n// TO" + "DO: b", breaks: [2]),
    RuleSample("no-promises", "scripts/demo", "# FIX" + "ME", breaks: [1]),
    RuleSample("no-promises", "Shared/RPC/A.swift", "let methodTO" + "DOs = 1"),

    RuleSample("no-machine-paths", "scripts/demo", "cd /wo" + "rk/main", breaks: [1]),
    RuleSample("no-machine-paths", "README.md", "in /ho" + "me/ann/assay", breaks: [1]),
    RuleSample("no-machine-paths", "README.md", "/run/assay/store, /tmp/a, ./work, /workers"),

    RuleSample(
      "no-secrets", "Tests/RPCTests/A.swift", "let key = \"sk" + "-ant-0123456789abcdef\"",
      breaks: [1]),
    RuleSample("no-secrets", "a.txt", "-----BEGIN RSA PRIV" + "ATE KEY-----", breaks: [1]),
    RuleSample("no-secrets", "README.md", "keys begin with sk" + "-ant- there"),
  ]

  static let maps: [RuleSample] = [
    RuleSample(
      "readme-names-every-folder", files: [("README.md", "proto/"), ("Shared/A.swift", "")],
      breaks: [1]),
    RuleSample(
      "readme-names-every-folder", files: [("README.md", "`Shared/`"), ("Shared/A.swift", "")]),
    RuleSample("readme-names-every-service", files: [("README.md", "")]),
    RuleSample(
      "readme-names-every-service",
      files: [("README.md", "Services/Edge"), ("Services/Store/Service/A.swift", "")],
      breaks: [1]),
    RuleSample(
      "readme-names-every-make-target",
      files: [("README.md", "`make test`"), ("Makefile", ".PHONY: test demo")], breaks: [1]),
    RuleSample(
      "readme-names-every-make-target",
      files: [("README.md", "make test, make demo"), ("Makefile", ".PHONY: test demo")]),
  ]

  static let compose: [RuleSample] = [
    mesh("compose-is-the-call-graph", "services:\n  store:\n    user: a\n  gateway:\nvolumes:"),
    mesh(
      "compose-is-the-call-graph",
      "services:\n  store:\n      ASSAY_MESH_LISTEN: a\n      ASSAY_MESH_GATEWAY: b", breaks: [2]),
    mesh(
      "compose-is-the-call-graph",
      "services:\n  ingest:\n    - store-sockets:/run/assay/store:ro\n  mailer:", breaks: [2, 4]),
    mesh(
      "compose-is-the-call-graph",
      "services:\n  store:\n    - store-sockets:/run/assay/store\nvolumes:\n  a:"),
    mesh("compose-keeps-walls", "services:\n  store:\n    network_mode: none\n  edge:\n    a: b"),
    mesh("compose-keeps-walls", "services:\n  store:\n    networks: [front]", breaks: [2]),
    mesh("compose-keeps-walls", "services:\n  edge:\n    network_mode: none", breaks: [2]),
  ]

  private static func mesh(_ rule: String, _ text: String, breaks lines: [Int] = []) -> RuleSample {
    RuleSample(rule, "compose.yaml", text, breaks: lines)
  }

  private static func documented(_ text: String, breaks lines: [Int] = []) -> RuleSample {
    RuleSample("package-is-documented", "Shared/RPC/A.swift", text, breaks: lines)
  }
}
