import EventLoop
import Faults
import GatewayBatches
import GatewayPipeline
import GatewayProviders
import GatewayValues
import HTTPServer
import JSON
import JSONText

/// One request about batches or files, from its path to its answer.
struct BatchDoorCall: Sendable {
  let door: HTTPDoor
  let runner: BatchRunner
  let caller: Caller
  let path: BatchPath

  private static let pageMax = (anthropic: 1_000, openAI: 100)
  private static let pageDefault = 20

  func run(_ head: HTTPRequestHead, _ body: [UInt8], _ responder: HTTPResponder) async {
    do {
      switch path {
      case .messageResults(let id): try await results(of: id, responder)
      case .fileContent(let id): try await content(of: id, responder)
      default: responder.respond(.json(200, try await answer(head, body).bytes()))
      }
    } catch {
      responder.respond(door.errorAnswer(error, path.family))
    }
  }

  private func answer(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> JSONValue {
    let isPost = head.method == .post
    switch path {
    case .messageBatches where isPost: return try await createMessages(head, body)
    case .batches where isPost: return try await createBatch(head, body)
    case .messageBatches, .batches: return try await list(head)
    case .messageBatch(let id) where head.method == .delete: return try await remove(id)
    case .messageBatch(let id), .batch(let id): return shown(try await standing(id), head)
    case .messageCancel(let id), .batchCancel(let id):
      _ = try await standing(id)
      try await runner.cancel(id)
      return shown(try await standing(id), head)
    case .files where isPost: return try await keepFile(head, body)
    case .files:
      let files = try await runner.files.files(of: caller.product)
      return ["object": "list", "data": .array(files.map(BatchShape.file)), "has_more": false]
    case .file(let id) where head.method == .delete: return try await removeFile(id)
    case .file(let id): return BatchShape.file(try await file(id))
    case .messageResults, .fileContent: return .null
    }
  }

  private func shown(_ standing: BatchStanding, _ head: HTTPRequestHead) -> JSONValue {
    path.family == .anthropic
      ? BatchShape.message(standing, place: Self.place(head)) : BatchShape.batch(standing)
  }

  /// Where the caller has reached us, for the address that an answer tells it.
  private static func place(_ head: HTTPRequestHead) -> String {
    let isSecure = head.headers["x-forwarded-proto"] == "https"
    return "\(isSecure ? "https" : "http")://\(head.headers["host"] ?? "localhost")"
  }

  // MARK: - Making

  private func createMessages(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> JSONValue {
    let reading = try await door.reading.run {
      try BatchReading.read(body, of: .anthropicMessages)
    }
    var order = BatchOrder(caller: caller, dialect: .anthropicMessages, reading: reading)
    for name in ["anthropic-version", "anthropic-beta"] {
      guard let value = head.headers[name] else { continue }
      order.headers.append(.init(name: name, value: value))
    }
    let record = try await runner.create(order)
    return shown(try await standing(record.id), head)
  }

  private func createBatch(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> JSONValue {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: body, limits: JSONLimits(bytesMax: 64 << 10, depthMax: 8))
    } catch {
      throw BatchReading.bad("", "The body is not JSON: \(error).")
    }
    guard let fileID = value["input_file_id"]?.stringValue else {
      throw BatchReading.bad("input_file_id", "input_file_id: field required.")
    }
    guard value["completion_window"]?.stringValue == "24h" else {
      throw BatchReading.bad("completion_window", "completion_window: only '24h' is known.")
    }
    let endpoint = value["endpoint"]?.stringValue
    let dialects: [Dialect] = [.openAIChat, .openAIResponses]
    guard let dialect = dialects.first(where: { $0.path == endpoint }) else {
      throw BatchReading.bad(
        "endpoint", "endpoint: only \(dialects.map(\.path).joined(separator: " and ")).")
    }
    let metadata = try Self.metadata(value)
    guard let bytes = try await runner.files.bytes(of: fileID, of: caller.product) else {
      throw Self.noFile(fileID)
    }
    let reading = try await door.reading.run { try BatchReading.read(bytes, of: dialect) }
    var order = BatchOrder(caller: caller, dialect: dialect, reading: reading)
    order.inputFile = fileID
    order.metadata = metadata
    let record = try await runner.create(order)
    return shown(try await standing(record.id), head)
  }

  private static func metadata(_ value: JSONValue) throws -> [UInt8] {
    guard let given = value["metadata"], given != .null else { return [] }
    guard let object = given.objectValue, object.count <= BatchLimits.metadataMax,
      object.allSatisfy({ $0.value.stringValue.map { $0.utf8.count <= 512 } ?? false })
    else {
      throw BatchReading.bad(
        "metadata", "metadata: at most \(BatchLimits.metadataMax) texts of 512 bytes.")
    }
    return given.bytes()
  }

  // MARK: - Finding

  private func standing(_ id: String) async throws -> BatchStanding {
    guard let found = try await runner.standing(of: id, caller.product, path.family) else {
      throw Fault(.notFound, reason: "UNKNOWN_BATCH", "There is no batch '\(id.cut(toBytes: 80))'.")
    }
    return found
  }

  private func list(_ head: HTTPRequestHead) async throws -> JSONValue {
    let isAnthropic = path.family == .anthropic
    let most = isAnthropic ? Self.pageMax.anthropic : Self.pageMax.openAI
    var page = BatchPage(
      product: caller.product, family: path.family, countMax: Self.pageDefault)
    if let text = head.queryValue("limit") {
      guard let count = Int(text), (1...most).contains(count) else {
        throw BatchReading.bad("limit", "limit: a number from 1 to \(most).")
      }
      page.countMax = count
    }
    page.after = head.queryValue(isAnthropic ? "after_id" : "after") ?? ""
    page.before = isAnthropic ? head.queryValue("before_id") ?? "" : ""
    let (found, hasMore) = try await runner.list(page)
    var list = JSONObject()
    if !isAnthropic { list["object"] = "list" }
    list["data"] = .array(found.map { shown($0, head) })
    list["has_more"] = .bool(hasMore)
    list["first_id"] = found.first.map { .string($0.record.id) } ?? .null
    list["last_id"] = found.last.map { .string($0.record.id) } ?? .null
    return .object(list)
  }

  private func remove(_ id: String) async throws -> JSONValue {
    let standing = try await standing(id)
    guard standing.record.machine.stage == .ended else {
      throw Fault(
        .failedPrecondition, reason: "BATCH_NOT_ENDED", "The batch has not ended.",
        hint: "Cancel it first, and wait until it has.")
    }
    try await runner.remove(standing.record)
    return ["id": .string(id), "type": "message_batch_deleted"]
  }

  // MARK: - Results and files

  private func results(of id: String, _ responder: HTTPResponder) async throws {
    guard try await standing(id).record.machine.stage == .ended else {
      throw Fault(
        .notFound, reason: "BATCH_NOT_ENDED", "The batch's results are not there yet.",
        hint: "Ask for the batch until its processing_status is ended.")
    }
    try await stream(id, succeeded: nil, "application/x-jsonl", responder)
  }

  /// From the disk to the caller, a piece at a time.
  private func stream(
    _ id: String, succeeded: Bool?, _ type: String, _ responder: HTTPResponder
  ) async throws {
    var place = -1
    var piece = try await runner.results(of: id, after: place, succeeded: succeeded)
    let writer = try await responder.stream(200, ["content-type": type])
    while let lines = piece {
      try await writer.write(lines.lines)
      place = lines.last
      piece = try await runner.results(of: id, after: place, succeeded: succeeded)
    }
    writer.finish()
  }

  private func content(of id: String, _ responder: HTTPResponder) async throws {
    if let (batch, succeeded) = BatchShape.results(named: id) {
      _ = try await ended(batch, id)
      return try await stream(batch, succeeded: succeeded, "application/octet-stream", responder)
    }
    guard let bytes = try await runner.files.bytes(of: id, of: caller.product) else {
      throw Self.noFile(id)
    }
    responder.respond(
      HTTPResponse(200, ["content-type": "application/octet-stream"], body: bytes))
  }

  /// The batch of a file of results, once it has ended.
  private func ended(_ batch: String, _ id: String) async throws -> BatchRecord {
    let found = try await runner.standing(of: batch, caller.product, .openAI)
    guard let record = found?.record, record.machine.stage == .ended else {
      throw Self.noFile(id)
    }
    return record
  }

  private func file(_ id: String) async throws -> StoredFile {
    if let (batch, succeeded) = BatchShape.results(named: id) {
      let record = try await ended(batch, id)
      let bytes = try await runner.files.resultBytes(of: batch, succeeded: succeeded)
      return StoredFile(
        id: id, name: "\(id).jsonl", byteCount: bytes, created: record.endedAt ?? record.created)
    }
    guard let file = try await runner.files.file(id, of: caller.product) else {
      throw Self.noFile(id)
    }
    return file
  }

  private func keepFile(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> JSONValue {
    let type = head.headers["content-type"] ?? ""
    let form =
      body.count > DoorLimits.bodyOnLoopBytesMax
      ? try await door.reading.run { try MultipartForm(body, type: type) }
      : try MultipartForm(body, type: type)
    guard form.texts["purpose"] == "batch" else {
      throw BatchReading.bad("purpose", "purpose: this gateway keeps files for 'batch' only.")
    }
    guard let upload = form.file else { throw BatchReading.bad("file", "file: field required.") }
    guard upload.bytes.count <= BatchLimits.bytesMax else {
      throw Fault(
        .outOfRange, reason: "REQUEST_TOO_LARGE",
        "A file has at most \(BatchLimits.bytesMax) bytes (bytesMax).")
    }
    let file = StoredFile(
      id: await runner.newFileID(), name: upload.name, byteCount: Int64(upload.bytes.count),
      created: await runner.now)
    try await runner.files.keep(file, of: caller.product, upload.bytes)
    return BatchShape.file(file)
  }

  private func removeFile(_ id: String) async throws -> JSONValue {
    if BatchShape.results(named: id) != nil {
      throw Fault(
        .failedPrecondition, reason: "FILE_OF_BATCH",
        "Results are kept with their batch, and go with it.")
    }
    guard try await runner.files.removeFile(id, of: caller.product) else { throw Self.noFile(id) }
    return ["id": .string(id), "object": "file", "deleted": true]
  }

  private static func noFile(_ id: String) -> Fault {
    Fault(
      .notFound, reason: "UNKNOWN_FILE", "There is no file '\(id.cut(toBytes: 80))'.",
      violations: [.init(field: "id", description: "no such file")])
  }
}
