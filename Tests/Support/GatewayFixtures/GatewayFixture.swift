package import EventLoop
package import HTTPClient
package import JSON
import Machine
package import TestSupport

/// What a test has otherwise than others.
package struct GatewaySetup: Sendable {
  /// The gateway's file, by the simulator's address and the folder of both.
  package var catalog: @Sendable (_ provider: String, _ folder: String) -> String
  package var gateway: [String: String] = [:]
  package var simulator: [String: String] = [:]

  package init(_ catalog: @escaping @Sendable (_ provider: String, _ folder: String) -> String) {
    self.catalog = catalog
  }
}

/// A simulator and a gateway in front of it, as the processes that they are; gone when the test is.
package struct GatewayFixture: Sendable {
  package let loop: EventLoop
  package let folder: String
  package let gateway: ChildTool
  package let simulator: ChildTool
  /// `http://127.0.0.1:port`, for clients of other languages.
  package let address: String
  private let door: HTTPEndpoint
  package let control: HTTPEndpoint

  package static let key = "sim-sdk"

  /// A file of two products, each with a key and what `limits` says. `keys`: further ones of
  /// sim-a; `models`: what the file says of them.
  package static func catalog(
    _ simulator: String, budget: String = "total: 1000", limits: String = "",
    providerLimits: String = "", keys: String = "", models: String = ""
  ) -> String {
    let own = providerLimits.isEmpty ? "" : ", \(providerLimits)"
    let further = keys.isEmpty ? "" : ", \(keys)"
    let about = models.isEmpty ? "" : "\nmodels:\n  \(models)"
    return """
      providers:
        sim-a:
          dialect: anthropic
          url: \(simulator)
          internal: true
          keys: {main: {text: sim-main\(own)}\(further)}
        sim-o:
          dialect: openai
          url: \(simulator)
          internal: true
          keys: {main: {text: sim-main\(own)}}
      products:
        demo:
          keys: {ci: {text: \(key)}}
          budget: {\(budget)}
          \(limits)
        other:
          keys: {ci: {text: other-key}}
          budget: {\(budget)}\(about)
      """
  }

  package static func with<R>(
    budget: String = "total: 1000", limits: String = "", providerLimits: String = "",
    keys: String = "", models: String = "", durability: String = "process",
    settings: [String: String] = [:],
    _ body: (GatewayFixture) async throws -> R
  ) async throws -> R {
    var setup = GatewaySetup { provider, _ in
      catalog(
        provider, budget: budget, limits: limits, providerLimits: providerLimits, keys: keys,
        models: models)
    }
    setup.gateway = settings
    setup.gateway["ASSAY_GATEWAY_DURABILITY"] = durability
    return try await with(setup, body)
  }

  package static func with<R>(
    _ setup: GatewaySetup, _ body: (GatewayFixture) async throws -> R
  ) async throws -> R {
    try await ScratchFolder.with { scratch in
      let loop = try EventLoop(name: "client")
      try loop.start()
      defer {
        loop.stop()
        loop.join()
      }
      let folder = scratch.path
      let simulator = [
        "ASSAY_MESH_LISTEN": "unix:\(folder)/sim.sock",
        "ASSAY_SIMULATOR_LISTEN": "unix:\(folder)/provider.sock",
        "ASSAY_SIMULATOR_BILL": "\(folder)/bill.jsonl", "ASSAY_SIMULATOR_DURABILITY": "none",
        "ASSAY_LOG_FORMAT": "json", "SWIFT_BACKTRACE": "enable=no",
      ].merging(setup.simulator) { $1 }
      try write(
        setup.catalog("unix:\(folder)/provider.sock", folder), to: "\(folder)/gateway.yaml")
      return try await ChildTool.with(
        try BuildPlace.executable("assay-simulator"), [], environment: simulator
      ) { simulator in
        try await ready(simulator, loop)
        return try await ChildTool.with(
          try BuildPlace.executable("assay-gateway"), [],
          environment: environment(folder, "process").merging(setup.gateway) { $1 }
        ) { gateway in
          try await ready(gateway, loop)
          let fixture = try await GatewayFixture(loop, folder, gateway, simulator)
          return try await body(fixture)
        }
      }
    }
  }

  package static func environment(_ folder: String, _ durability: String) -> [String: String] {
    [
      "ASSAY_MESH_LISTEN": "unix:\(folder)/gw.sock",
      "ASSAY_GATEWAY_CATALOG": "\(folder)/gateway.yaml", "ASSAY_GATEWAY_PATH": "\(folder)/ledger",
      "ASSAY_GATEWAY_LISTEN": "tcp://127.0.0.1:0,unix:\(folder)/http.sock",
      "ASSAY_GATEWAY_DURABILITY": durability, "ASSAY_GATEWAY_BATCH_POLL": "20ms",
      "ASSAY_LOG_FORMAT": "json",
      "SWIFT_BACKTRACE": "enable=no",
    ]
  }

  private init(
    _ loop: EventLoop, _ folder: String, _ gateway: ChildTool, _ simulator: ChildTool
  ) async throws {
    self.loop = loop
    self.folder = folder
    self.gateway = gateway
    self.simulator = simulator
    let lines = gateway.output.errorLines
    let listening = lines.compactMap { try? JSONValue(parsing: $0) }.first {
      $0["message"] == "listening for HTTP"
    }
    let text = try required(listening?["address"]?.stringValue, "no address")
    address = "http://" + text.dropFirst("tcp:".count)
    let client = try await withCheckedThrowingContinuation { continuation in
      loop.execute { continuation.resume(with: Result { try HTTPClient(on: loop) }) }
    }
    func endpoint(_ path: String) throws -> HTTPEndpoint {
      var upstream = try HTTPUpstream("http://localhost")
      upstream.place = .unixSocket(path: path)
      return try client.endpoint(for: upstream)
    }
    door = try endpoint("\(folder)/http.sock")
    control = try endpoint("\(folder)/provider.sock")
  }

  package static func ready(_ tool: ChildTool, _ loop: EventLoop) async throws {
    try await eventually("\(tool.name) is ready", on: loop) {
      try required(tool.isRunning ? true : nil, tool.output.lastWords)
      return tool.output.errorLines.contains { $0.contains("\"ready\"") }
    }
  }

  package static func write(_ text: String, to path: String) throws {
    try Files.replace(path, with: text)
  }

  // MARK: - Calls

  package struct Reply: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]
    package var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    package var text: String { String(decoding: body, as: UTF8.self) }
    package var reason: String { headers["x-assay-reason"] ?? "" }
    package var cost: Int64 { headers["x-assay-cost-nanos"].flatMap { Int64($0) } ?? 0 }
  }

  /// Asks the gateway's door.
  package func ask(
    _ path: String, _ body: JSONValue, key: String = key,
    headers: [(String, String)] = []
  ) async throws -> Reply {
    try await raw(path, body.bytes(), key: key, headers: headers)
  }

  /// Asks with bytes that need not be JSON.
  package func raw(
    _ path: String, _ body: [UInt8], key: String = key, headers: [(String, String)] = []
  ) async throws -> Reply {
    var request = HTTPClientRequest(.post, path, body: .bytes(body))
    request.headers = [HTTPField("x-api-key", key), HTTPField("content-type", "application/json")]
    request.headers += headers.map { HTTPField($0.0, $0.1) }
    let response = try await door.send(request)
    return Reply(
      status: response.status, headers: response.headers,
      body: try await response.body.collect(max: 64 << 20))
  }

  package func send(_ asked: HTTPClientRequest, key: String) async throws -> Reply {
    var request = asked
    request.headers.append(HTTPField("x-api-key", key))
    let response = try await door.send(request)
    return Reply(
      status: response.status, headers: response.headers,
      body: try await response.body.collect(max: 64 << 20))
  }

  package func message(
    _ text: String, most: Int = 32, isStream: Bool = false, key: String = key,
    headers: [(String, String)] = []
  ) async throws -> Reply {
    var body: JSONValue = [
      "model": "claude-haiku-4-5", "max_tokens": .number(most),
      "messages": [["role": "user", "content": .string(text)]],
    ]
    if isStream, case .object(var object) = body {
      object["stream"] = true
      body = .object(object)
    }
    return try await ask("/v1/messages", body, key: key, headers: headers)
  }

  /// Another gateway on the same folder, once the fixture's own has ended.
  package func reopened<R>(
    _ further: [String: String] = [:], _ body: (ChildTool) async throws -> R
  ) async throws -> R {
    let environment = Self.environment(folder, "process").merging(further) { $1 }
    return try await ChildTool.with(
      try BuildPlace.executable("assay-gateway"), [], environment: environment
    ) { gateway in
      try await Self.ready(gateway, loop)
      return try await body(gateway)
    }
  }

  /// Lines of /metrics.
  package func metrics() async throws -> [String] {
    let response = try await door.send(HTTPClientRequest(.get, "/metrics"))
    let text = String(decoding: try await response.body.collect(max: 1 << 20), as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  // MARK: - The simulator

  package func script(_ rules: [JSONValue]) async throws {
    try await control("/control/script", ["rules": .array(rules)])
  }

  /// Every call that the simulator has answered or refused; not what is free.
  package func log() async throws -> [String] {
    let response = try await control.send(HTTPClientRequest(.get, "/control/log"))
    let text = String(decoding: try await response.body.collect(max: 64 << 20), as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  package func control(_ path: String, _ body: JSONValue) async throws {
    let request = HTTPClientRequest(.post, path, body: .bytes(body.bytes()))
    let response = try await control.send(request)
    let answer = try await response.body.collect(max: 1 << 20)
    try required(
      response.status == 200 ? true : nil, String(decoding: answer, as: UTF8.self))
  }

  /// How often the script's rules have struck.
  package func strikes() async throws -> Int {
    let response = try await control.send(HTTPClientRequest(.get, "/control/script"))
    let rules = try JSONValue(parsing: await response.body.collect(max: 1 << 20))
    return (rules.arrayValue ?? []).reduce(0) { $0 + ($1["struck"]?.intValue ?? 0) }
  }

  /// What the simulator has charged for, kind by kind: the last word of each call, in the order in
  /// which they came.
  package func usages() async throws -> [JSONValue] {
    let response = try await control.send(HTTPClientRequest(.get, "/bill"))
    let text = String(decoding: try await response.body.collect(max: 64 << 20), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      try required(try JSONValue(parsing: String(line))["usage"], "no usage")
    }
  }

  /// The simulator's bill as it stands.
  package func billBytes() async throws -> [UInt8] {
    let response = try await control.send(HTTPClientRequest(.get, "/bill"))
    return try await response.body.collect(max: 64 << 20)
  }

  /// What the simulator has charged, by its names of the calls: the last word of each.
  package func bill() async throws -> [String: (callKey: String, cost: Int64)] {
    let response = try await control.send(HTTPClientRequest(.get, "/bill"))
    let bytes = try await response.body.collect(max: 64 << 20)
    var charged: [String: (callKey: String, cost: Int64)] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let value = try JSONValue(parsing: String(line))
      let id = try required(value["request_id"]?.stringValue, "no request_id")
      charged[id] = (
        value["call_key"]?.stringValue ?? "", Int64(value["cost_nanos"]?.intValue ?? 0)
      )
    }
    return charged
  }
}
