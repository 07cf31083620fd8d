import Blobs
import EventLoop
import GRPCFormat
import GatewayContract
import HTTPClient
import JSON
import Machine
import MeshAddressing
import RPC
import TestSupport
import Testing

/// A folder of documents, and a gateway that reads it, in front of the simulator or of a recorder.
struct MediaFixture {
  /// A document in the folder.
  struct Document {
    let bytes: [UInt8]
    let ref: GatewayContract.MediaRef
    /// Its file.
    let path: String

    var base64: String { String(decoding: Base64.encode(bytes, isPadded: true), as: UTF8.self) }
  }

  let loop: EventLoop
  let folder: String
  let blobs: LocalBlobs
  let gateway: ChildTool
  let client: GatewayClient
  let account: AccountClient
  private let provider: HTTPEndpoint

  var documents: String { "\(folder)/documents" }

  static func with(
    _ recorder: DocumentRecorder? = nil, openAI dialect: String = "openai",
    settings: [String: String] = [:], _ body: (MediaFixture) async throws -> Void
  ) async throws {
    try await ScratchFolder.with { scratch in
      let loop = try EventLoop(name: "client")
      try loop.start()
      defer {
        loop.stop()
        loop.join()
      }
      let folder = scratch.path
      let blobs = try await LocalBlobs.open("\(folder)/documents", for: .writing)
      try Files.replace("\(folder)/gateway.yaml", with: catalog(folder, dialect))
      try await providing(recorder, folder, loop) {
        try await ChildTool.with(
          try BuildPlace.executable("assay-gateway"), [],
          environment: environment(folder).merging(settings) { $1 }
        ) { gateway in
          try await ready(gateway, loop)
          let channel = Channel(to: .unix(path: "\(folder)/gw.sock"), on: loop)
          try await body(MediaFixture(loop, folder, blobs, gateway, channel))
          await channel.shutDown()
          try await gateway.end()
        }
      }
      await blobs.close()
    }
  }

  private init(
    _ loop: EventLoop, _ folder: String, _ blobs: LocalBlobs, _ gateway: ChildTool,
    _ channel: Channel
  ) async throws {
    self.loop = loop
    self.folder = folder
    self.blobs = blobs
    self.gateway = gateway
    client = GatewayClient(channel)
    account = AccountClient(channel)
    let http = try await withCheckedThrowingContinuation { continuation in
      loop.execute { continuation.resume(with: Result { try HTTPClient(on: loop) }) }
    }
    var upstream = try HTTPUpstream("http://localhost")
    upstream.place = .unixSocket(path: "\(folder)/provider.sock")
    provider = try http.endpoint(for: upstream)
  }

  private static func catalog(_ folder: String, _ dialect: String) -> String {
    func provider(_ dialect: String) -> String {
      "{dialect: \(dialect), url: 'unix:\(folder)/provider.sock', internal: true, "
        + "keys: {main: {text: sim-main}}}"
    }
    return """
      providers:
        sim-a: \(provider("anthropic"))
        sim-o: \(provider(dialect))
      products:
        demo:
          keys: {ci: {text: sim-sdk}}
          budget: {total: 1000}
      """
  }

  static func environment(_ folder: String) -> [String: String] {
    [
      "ASSAY_MESH_LISTEN": "unix:\(folder)/gw.sock",
      "ASSAY_GATEWAY_CATALOG": "\(folder)/gateway.yaml",
      "ASSAY_GATEWAY_PATH": "\(folder)/ledger", "ASSAY_GATEWAY_BLOBS": "\(folder)/documents",
      "ASSAY_GATEWAY_DURABILITY": "process", "ASSAY_GATEWAY_BATCH_POLL": "20ms",
      "ASSAY_GATEWAY_BATCH_GATHER": "20ms", "ASSAY_GATEWAY_BATCH_LEAD": "2s",
      "ASSAY_LOG_FORMAT": "json", "SWIFT_BACKTRACE": "enable=no",
    ]
  }

  private static func providing(
    _ recorder: DocumentRecorder?, _ folder: String, _ loop: EventLoop,
    _ body: () async throws -> Void
  ) async throws {
    let path = "\(folder)/provider.sock"
    if let recorder { return try await recorder.listening(at: path, on: loop, body) }
    let environment = [
      "ASSAY_MESH_LISTEN": "unix:\(folder)/sim.sock", "ASSAY_SIMULATOR_LISTEN": "unix:\(path)",
      "ASSAY_SIMULATOR_BILL": "\(folder)/bill.jsonl", "ASSAY_SIMULATOR_DURABILITY": "none",
      "ASSAY_LOG_FORMAT": "json", "SWIFT_BACKTRACE": "enable=no",
    ]
    try await ChildTool.with(
      try BuildPlace.executable("assay-simulator"), [], environment: environment
    ) { simulator in
      try await ready(simulator, loop)
      try await body()
    }
  }

  static func ready(_ tool: ChildTool, _ loop: EventLoop) async throws {
    try await eventually("\(tool.name) is ready", on: loop) {
      try #require(tool.isRunning, "\(tool.output.lastWords)")
      return tool.output.errorLines.contains { $0.contains("\"ready\"") }
    }
  }

  // MARK: - Documents

  /// Bytes that no two seeds share; a large document repeats itself, out of step with any piece.
  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    let block = (0..<min(count, 100_003)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + block.count)
    while bytes.count < count { bytes += block }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Puts a document into the folder.
  func document(_ count: Int, seed: UInt64 = 1) async throws -> Document {
    let bytes = Self.bytes(count, seed: seed)
    let writer = try await blobs.begin()
    var rest = bytes[...]
    while !rest.isEmpty {
      try await writer.append(Array(rest.prefix(1 << 20)))
      rest = rest.dropFirst(1 << 20)
    }
    let stored = try await writer.finish(as: nil)
    let name = stored.hash.text
    return Document(
      bytes: bytes, ref: .init(hash: name, bytes: Int64(stored.byteCount)),
      path: "\(documents)/\(name.prefix(2))/\(name.dropFirst(2))")
  }

  // MARK: - Calls

  /// A question about a document.
  static func request(
    _ key: String, _ source: Media.Source, model: String = "claude-haiku-4-5",
    cache: CallPolicy.Cache = .normal, retriesMax: UInt32? = nil
  ) -> GenerateRequest {
    GenerateRequest(
      callKey: key, model: model,
      blocks: [
        Block(role: .user, media: Media(type: "application/pdf", source: source, title: "Plan")),
        Block(role: .user, text: "Is it sound?"),
      ], outputTokensMax: 50, policy: CallPolicy(cache: cache, retriesMax: retriesMax))
  }

  static var options: CallOptions {
    var options = CallOptions()
    _ = options.metadata.add("assay-product", "demo")
    return options
  }

  func ask(_ request: GenerateRequest) async throws -> GenerateResponse {
    try await client.generate(request, options: Self.options)
  }

  /// All at once, answers in the order in which they come.
  func ask(all requests: [GenerateRequest]) async throws -> [GenerateResponse] {
    let client = client
    return try await withThrowingTaskGroup(of: GenerateResponse.self) { group in
      for request in requests {
        group.addTask { try await client.generate(request, options: Self.options) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }

  /// The ledger's lines, newest first, once there are so many: they are written behind the calls.
  func lines(atLeast count: Int) async throws -> [LedgerLine] {
    var lines: [LedgerLine] = []
    try await eventually("\(count) lines", on: loop) {
      lines = try await account.listLines(ListLinesRequest(), options: Self.options).lines
      return lines.count >= count
    }
    return lines
  }

  // MARK: - The simulator

  func script(_ rules: [JSONValue]) async throws {
    let body: JSONValue = ["rules": .array(rules)]
    let request = HTTPClientRequest(.post, "/control/script", body: .bytes(body.bytes()))
    try #require(try await provider.send(request).status == 200)
  }

  /// Lines of what it keeps: `/bill`, what it has charged for; `/control/log`, what it was asked.
  func told(_ path: String) async throws -> [JSONValue] {
    let response = try await provider.send(HTTPClientRequest(.get, path))
    let text = String(decoding: try await response.body.collect(max: 64 << 20), as: UTF8.self)
    return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }
}
