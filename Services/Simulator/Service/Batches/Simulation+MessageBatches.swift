import JSON
import SimulatorModel
import Telemetry

/// Anthropic's Message Batches.
extension Simulation {
  /// The answer to a path of batches or files; nil when it is none.
  func batchAnswer(
    _ request: HTTPRequest, _ dialect: Dialect, _ key: String
  ) throws(ProviderError) -> HTTPAnswer? {
    if request.path.hasPrefix("/v1/messages/batches") {
      return try messageBatchAnswer(request, key)
    }
    if request.path.hasPrefix("/v1/files") { return try fileAnswer(request) }
    if request.path.hasPrefix("/v1/batches") { return try openAIBatchAnswer(request, key) }
    return nil
  }

  private func messageBatchAnswer(
    _ request: HTTPRequest, _ key: String
  ) throws(ProviderError) -> HTTPAnswer? {
    let steps = request.path.split(separator: "/").dropFirst(3).map(String.init)
    switch (request.method, steps.count) {
    case ("POST", 0): return .json(try createMessageBatch(request, key))
    case ("GET", 0): return .json(listMessageBatches(request, key))
    case ("GET", 1): return .json(Self.shown(try batch(steps[0], key), host(request)))
    case ("GET", 2) where steps[1] == "results":
      let batch = try batch(steps[0], key)
      guard batch.ended != nil else {
        throw ProviderError(404, "not_found_error", "The batch's results are not available yet.")
      }
      return .lines(batch.items.reversed().flatMap { $0.result ?? [] })
    case ("POST", 2) where steps[1] == "cancel":
      _ = try batch(steps[0], key)
      cancelBatch(steps[0])
      return .json(Self.shown(try batch(steps[0], key), host(request)))
    default: return nil
    }
  }

  /// A day, in nanoseconds.
  static let batchLife: UInt64 = 86_400_000_000_000

  private func host(_ request: HTTPRequest) -> String {
    "http://" + (request.header("host") ?? "localhost")
  }

  func batch(_ id: String, _ key: String) throws(ProviderError) -> BatchShelf.Batch {
    guard let batch = batches.batches[id], batch.key == key else {
      throw ProviderError(
        404, id.hasPrefix("msgbatch_") ? "not_found_error" : "invalid_request_error",
        "No batch found with id '\(id)'.")
    }
    return batch
  }

  private func createMessageBatch(
    _ request: HTTPRequest, _ key: String
  ) throws(ProviderError) -> JSONValue {
    let value = try Self.json(request, .messages)
    guard let given = value["requests"]?.arrayValue, !given.isEmpty else {
      throw ProviderError(400, "invalid_request_error", "requests: Field required")
    }
    guard given.count <= ModelLimits.batchRequestsMax else {
      throw ProviderError(400, "invalid_request_error", "requests: at most 100,000 requests")
    }
    var seen: Set<String> = []
    var items: [BatchShelf.Item] = []
    for (index, entry) in given.enumerated() {
      guard let id = entry["custom_id"]?.stringValue, Self.isCustomID(id) else {
        throw ProviderError(
          400, "invalid_request_error",
          "requests.\(index).custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
      }
      guard seen.insert(id).inserted else {
        throw ProviderError(
          400, "invalid_request_error", "requests.\(index).custom_id: duplicate custom_id '\(id)'")
      }
      guard let params = entry["params"] else {
        throw ProviderError(
          400, "invalid_request_error", "requests.\(index).params: Field required")
      }
      items.append(BatchShelf.Item(customID: id, body: params))
    }
    let names = names(for: .messages)
    var batch = BatchShelf.Batch(
      id: "msgbatch_\(names.answer.dropFirst(4))", dialect: .messages, key: key,
      created: names.created, items: items)
    batch.expires = now + Self.batchLife
    batches.keep(batch)
    work(on: batch.id, from: 0)
    return Self.shown(batch, host(request))
  }

  private static func isCustomID(_ id: String) -> Bool {
    (1...64).contains(id.utf8.count)
      && id.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
      }
  }

  private func listMessageBatches(_ request: HTTPRequest, _ key: String) -> JSONValue {
    let own = batches.newestFirst.filter { $0.key == key && $0.dialect == .messages }
    return .object([
      "data": .array(own.map { Self.shown($0, host(request)) }), "has_more": false,
      "first_id": own.first.map { .string($0.id) } ?? .null,
      "last_id": own.last.map { .string($0.id) } ?? .null,
    ])
  }

  private static func shown(_ batch: BatchShelf.Batch, _ host: String) -> JSONValue {
    func time(_ seconds: Int?) -> JSONValue {
      seconds.map { .string(WallTime(seconds: Int64($0)).iso8601) } ?? .null
    }
    let hasEnded = batch.ended != nil
    return .object([
      "id": .string(batch.id), "type": "message_batch",
      "processing_status": .string(
        hasEnded ? "ended" : batch.isCanceled ? "canceling" : "in_progress"),
      "request_counts": [
        "processing": .number(batch.count(.waiting)),
        "succeeded": .number(batch.count(.succeeded)),
        "errored": .number(batch.count(.errored)),
        "canceled": .number(batch.count(.canceled)), "expired": .number(batch.count(.expired)),
      ],
      "created_at": time(batch.created), "expires_at": time(batch.created + 86_400),
      "ended_at": time(batch.ended), "archived_at": .null,
      "cancel_initiated_at": batch.isCanceled ? time(batch.created) : .null,
      "results_url": hasEnded
        ? .string("\(host)/v1/messages/batches/\(batch.id)/results") : .null,
    ])
  }
}
