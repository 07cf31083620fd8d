import EventLoop
import GatewayFixtures
import JSON
import Machine
import TestSupport
import Testing

/// What users complain of: memory, large bodies, and what else a gateway brings along.
@Suite(.timeLimit(.minutes(2))) struct ComplaintsOfLoadTests {
  /// As large as a scan of some pages, as it travels.
  private static let scan = String(repeating: "JVBERi0xLjcKJeLjz9", count: 10_000_000 / 18)

  private static func large(_ index: Int) -> JSONValue {
    [
      "model": "claude-opus-5", "max_tokens": 16,
      "messages": [
        [
          "role": "user",
          "content": [
            [
              "type": "document",
              "source": [
                "type": "base64", "media_type": "application/pdf", "data": .string(scan),
              ],
            ], ["type": "text", "text": .string("page \(index)")],
          ],
        ]
      ],
    ]
  }

  private func kilobytes(_ name: String, of tool: ChildTool) throws -> Int {
    let status = try Files.readText("/proc/\(tool.pid)/status")
    let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    return try #require(line?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  @Test func `complaint 12: large bodies take the memory that is set, however many wait`()
    async throws
  {
    let settings = ["ASSAY_GATEWAY_BODY_MEMORY": "64MiB"]
    try await HoldingProvider.with(settings) { fixture, provider in
      for index in 0..<10 { #expect(try await fixture.message("warm \(index)").status == 200) }
      let before = try kilobytes("VmHWM", of: fixture.gateway)
      async let replies = fixture.together(20) { index in
        try await fixture.ask("/v1/messages", Self.large(index)).status
      }
      defer { provider.open() }
      // As many as have room, the others unread behind them.
      try await eventually("some are with their provider", on: fixture.loop) {
        provider.held >= 4
      }
      for index in 0..<20 { #expect(try await fixture.message("small \(index)").status == 200) }
      #expect(provider.held < 8)
      provider.open()
      #expect(try await replies == Array(repeating: 200, count: 20))
      let grown = try kilobytes("VmHWM", of: fixture.gateway) - before
      print("20 bodies of 10 MB: \(grown / 1_024) MiB more than before, of 64 that are set")
      #expect(grown < 128 << 10)
    }
  }

  @Test func `complaint 13: large bodies hold up no small call, in no dialect`() async throws {
    try await HoldingProvider.with { fixture, provider in
      async let replies = fixture.together(8) { index in
        try await fixture.ask("/v1/messages", Self.large(index)).status
      }
      defer { provider.open() }
      // While they arrive, and while they are held: not one of them has its answer yet.
      for index in 0..<60 {
        let dialect = DialectCall.allCases[index % 3]
        let reply = try await fixture.ask(dialect, "small \(index)", isStream: index % 2 == 0)
        #expect(reply.status == 200, "\(reply.text)")
      }
      try await eventually("large ones are with their provider", on: fixture.loop) {
        provider.held >= 4
      }
      for index in 0..<12 { #expect(try await fixture.message("last \(index)").status == 200) }
      provider.open()
      #expect(try await replies == Array(repeating: 200, count: 8))
    }
  }

  @Test func `complaint 25: the gateway is Debian's libraries, Swift's runtime and nothing else`()
    async throws
  {
    let top = BuildPlace.top
    // No package from outside stands in the manifest, and so none in a lock that could change.
    let manifest = try Files.readText("\(top)/Package.swift")
    #expect(!manifest.contains(".package("))
    #expect(Files.facts(of: "\(top)/Package.resolved") == nil)
    // What its executable asks the system for, each from a package that the bootstrap names.
    let output = try await ChildTool.run(
      "/usr/bin/readelf", ["-d", try BuildPlace.executable("assay-gateway")])
    let needed = output.lines.filter { $0.contains("(NEEDED)") }.compactMap { line in
      line.split(separator: "[").last?.split(separator: "]").first.map(String.init)
    }
    let packages = try await ChildTool.run("/bin/bash", ["\(top)/scripts/bootstrap", "--list"])
    let libraries = [
      "libuv": "libuv1-dev", "libnghttp2": "libnghttp2-dev", "libcrypto": "libssl-dev",
      "libprotobuf-c": "libprotobuf-c-dev", "libmicrohttpd": "libmicrohttpd-dev",
      "libsqlite3": "libsqlite3-dev", "libyaml-0": "libyaml-dev", "libz": "zlib1g-dev",
      "libcurl": "libcurl4-openssl-dev", "libc": "libc6-dev", "libm": "libc6-dev",
      "ld-linux-x86-64": "libc6-dev", "ld-linux-aarch64": "libc6-dev",
      "libmimalloc": "libmimalloc-dev", "libstdc++": "libstdc++-12-dev",
      "libgcc_s": "libgcc-12-dev",
    ]
    #expect(needed.count > 5, "\(output.lastWords)")
    for library in needed where !Self.isOfSwift(library) {
      let name = String(library.split(separator: ".").first ?? "")
      let package = try #require(libraries[name], "\(library) comes from nowhere that is known")
      #expect(packages.lines.contains { $0.split(separator: " ").contains(Substring(package)) })
    }
  }

  private static func isOfSwift(_ library: String) -> Bool {
    ["libswift", "libdispatch.", "libBlocksRuntime."].contains { library.hasPrefix($0) }
  }
}
