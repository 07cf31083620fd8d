import JSON
import SimulatorModel

/// OpenAI's files, as far as batches need them, and its batches.
extension Simulation {
  func fileAnswer(_ request: HTTPRequest) throws(ProviderError) -> HTTPAnswer? {
    let steps = request.path.split(separator: "/").dropFirst(2).map(String.init)
    switch (request.method, steps.count) {
    case ("POST", 0):
      let part = try MultipartFile.read(request)
      let names = names(for: .chat)
      let id = "file-\(names.answer.dropFirst(9))"
      batches.keep(
        BatchShelf.StoredFile(
          name: part.name, purpose: part.purpose, created: names.created, bytes: part.bytes),
        as: id)
      return .json(try shownFile(id))
    case ("GET", 1): return .json(try shownFile(steps[0]))
    case ("GET", 2) where steps[1] == "content":
      _ = try shownFile(steps[0])
      var answer = HTTPAnswer()
      answer.contentType = "application/octet-stream"
      answer.body = batches.files[steps[0]]?.bytes ?? []
      return answer
    default: return nil
    }
  }

  private func shownFile(_ id: String) throws(ProviderError) -> JSONValue {
    guard let file = batches.files[id] else {
      throw ProviderError(
        404, "invalid_request_error", "No such File object: \(id)", param: "id")
    }
    return .object([
      "id": .string(id), "object": "file", "bytes": .number(file.bytes.count),
      "created_at": .number(file.created), "filename": .string(file.name),
      "purpose": .string(file.purpose), "status": "processed",
    ])
  }

  func openAIBatchAnswer(
    _ request: HTTPRequest, _ key: String
  ) throws(ProviderError) -> HTTPAnswer? {
    let steps = request.path.split(separator: "/").dropFirst(2).map(String.init)
    switch (request.method, steps.count) {
    case ("POST", 0): return .json(try createOpenAIBatch(request, key))
    case ("GET", 0):
      let own = batches.newestFirst.filter { $0.key == key && !$0.dialect.isAnthropic }
      return .json(
        .object([
          "object": "list", "data": .array(own.map(Self.shownBatch)), "has_more": false,
        ]))
    case ("GET", 1): return .json(Self.shownBatch(try batch(steps[0], key)))
    case ("POST", 2) where steps[1] == "cancel":
      _ = try batch(steps[0], key)
      cancelBatch(steps[0])
      return .json(Self.shownBatch(try batch(steps[0], key)))
    default: return nil
    }
  }

  private func createOpenAIBatch(
    _ request: HTTPRequest, _ key: String
  ) throws(ProviderError) -> JSONValue {
    let value = try Self.json(request, .chat)
    func invalid(_ param: String, _ message: String) -> ProviderError {
      ProviderError(400, "invalid_request_error", message, param: param)
    }
    guard let fileID = value["input_file_id"]?.stringValue, let file = batches.files[fileID],
      file.purpose == "batch"
    else { throw invalid("input_file_id", "There is no such file with purpose 'batch'.") }
    guard value["completion_window"] == "24h" else {
      throw invalid("completion_window", "Only '24h' is supported.")
    }
    let dialect: Dialect
    switch value["endpoint"]?.stringValue {
    case "/v1/chat/completions": dialect = .chat
    case "/v1/responses": dialect = .responses
    default: throw invalid("endpoint", "This endpoint is not supported in batches.")
    }
    let names = names(for: .chat)
    let items = try Self.items(of: file, value["endpoint"]?.stringValue ?? "")
    var batch = BatchShelf.Batch(
      id: "batch_\(names.answer.dropFirst(9))", dialect: dialect, key: key,
      created: names.created, items: items)
    batch.expires = now + Self.batchLife
    batch.inputFile = fileID
    batch.metadata = value["metadata"] ?? .null
    batch.endpoint = value["endpoint"]?.stringValue ?? ""
    batches.keep(batch)
    work(on: batch.id, from: 0)
    return Self.shownBatch(batch)
  }

  private static let linesMax = 50_000

  private static func items(
    of file: BatchShelf.StoredFile, _ endpoint: String
  ) throws(ProviderError) -> [BatchShelf.Item] {
    var items: [BatchShelf.Item] = []
    for (index, line) in file.bytes.split(separator: 0x0A).enumerated() {
      guard index < linesMax, let value = try? JSONValue(parsing: Array(line)),
        let id = value["custom_id"]?.stringValue, let body = value["body"],
        value["method"] == "POST", value["url"]?.stringValue == endpoint
      else {
        throw ProviderError(
          400, "invalid_request_error", "Line \(index + 1) of the file is no request.",
          param: "input_file_id", code: "invalid_file_format")
      }
      items.append(BatchShelf.Item(customID: id, body: body))
    }
    return items
  }

  private static func shownBatch(_ batch: BatchShelf.Batch) -> JSONValue {
    let status =
      batch.ended != nil
      ? (batch.isExpired ? "expired" : batch.isCanceled ? "cancelled" : "completed")
      : batch.isCanceled ? "cancelling" : "in_progress"
    let ended: JSONValue = batch.ended.map { .number($0) } ?? .null
    return .object([
      "id": .string(batch.id), "object": "batch", "endpoint": .string(batch.endpoint),
      "errors": .null, "input_file_id": .string(batch.inputFile), "completion_window": "24h",
      "status": .string(status),
      "output_file_id": batch.outputFile.map { .string($0) } ?? .null,
      "error_file_id": batch.errorFile.map { .string($0) } ?? .null,
      "created_at": .number(batch.created), "in_progress_at": .number(batch.created),
      "expires_at": .number(batch.created + 86_400),
      "completed_at": status == "completed" ? ended : .null,
      "cancelled_at": status == "cancelled" ? ended : .null, "metadata": batch.metadata,
      "request_counts": [
        "total": .number(batch.items.count), "completed": .number(batch.count(.succeeded)),
        "failed": .number(batch.count(.errored)),
      ],
    ])
  }
}
