import Failpoints
import Faults
import GatewayPipeline
import GatewayProviders
import GatewayValues
import HTTPClient
import JSON
import Telemetry

extension BatchRunner {
  /// What a provider answered to one request about a batch.
  enum Answer {
    case said(status: Int, JSONValue)
    case refused(ProviderFailure, body: [UInt8])
    /// `wasSent`: whether it may have arrived.
    case nothing(wasSent: Bool)
  }

  func exchange(
    _ record: BatchRecord, _ method: HTTPClientRequest.Method, _ target: String,
    _ body: HTTPRequestBody = .none, type: String = "application/json"
  ) async -> Answer {
    var request = HTTPClientRequest(method, target, body: body)
    request.headers = [HTTPField("content-type", type)]
    request.headers += record.headers.map { HTTPField($0.name, $0.value) }
    request.responseBodyBytesMax = BatchLimits.answerBytesMax
    let family = record.dialect.family
    do {
      guard let response = try await pipeline.exchange(record.way, family, request) else {
        return .nothing(wasSent: false)
      }
      let bytes = try await response.body.collect(max: BatchLimits.answerBytesMax)
      guard (200...299).contains(response.status) else {
        let failure = ProviderFailure(
          status: response.status, headers: response.headers, body: bytes, family: family,
          nowMilliseconds: nowMilliseconds)
        return .refused(failure, body: bytes)
      }
      return .said(status: response.status, (try? JSONValue(parsing: bytes)) ?? .null)
    } catch {
      return .nothing(wasSent: error.wasSent)
    }
  }

  // MARK: - Sending

  /// Sends a batch, which is written down as being sent before its first byte leaves.
  func send(_ id: String, body given: [UInt8]? = nil) async throws {
    let event: BatchMachine.Event
    do {
      guard try await take(.send, id) == .go, let record = open[id]?.record else { return }
      let body = if let given { given } else { try await file.body(of: id) }
      event =
        switch record.dialect.family {
        case .anthropic: await submit(record, .post, "/v1/messages/batches", body)
        case .openAI: await submitFile(record, body)
        }
    } catch {
      // The disk did not take it or give it back, so that it has not left.
      _ = try? await take(.notTaken(after: pace.mostMilliseconds), id)
      throw error
    }
    Failpoint.pass("batches.send.after-answer")
    try await take(event, id)
    logger.info(
      "a batch was sent",
      [.call: .string(id), .state: .string("\(event)")])
  }

  private func submit(
    _ record: BatchRecord, _ method: HTTPClientRequest.Method, _ target: String, _ body: [UInt8]
  ) async -> BatchMachine.Event {
    switch await exchange(record, method, target, .bytes(body)) {
    case .said(_, let value):
      guard let id = value["id"]?.stringValue, Self.isName(id) else { return .lost }
      return .accepted(id)
    case .refused(let failure, let body): return refused(record, failure, body)
    case .nothing(let wasSent): return wasSent ? .lost : .notTaken(after: 0)
    }
  }

  private func refused(
    _ record: BatchRecord, _ failure: ProviderFailure, _ body: [UInt8]
  ) -> BatchMachine.Event {
    switch failure.cause {
    case .rateLimited, .rampedTooFast, .overloaded:
      return .notTaken(after: closeGate(record.way, for: failure.retryAfter))
    case .serverError, .conflict, .brokenStream, .garbage, .empty, .unreachable, .timedOut:
      return .lost
    case .invalidRequest, .requestTooLarge, .contextTooLong, .unknownModel, .keyRejected,
      .quotaExhausted:
      refusals[record.id] = ProviderRefusal(
        failure: failure, dialect: record.dialect, body: body, attempts: 1,
        provider: record.way.provider.text)
      return .refused
    }
  }

  /// A name that can stand in a path.
  static func isName(_ text: String) -> Bool {
    (1...ProviderLimits.nameBytesMax).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F || byte == 0x2E
      }
  }

  /// OpenAI's way: a file first, which costs nothing and may be there twice, then the batch.
  private func submitFile(_ record: BatchRecord, _ body: [UInt8]) async -> BatchMachine.Event {
    let boundary = "assay-\(record.id)"
    func part(_ head: String) -> [UInt8] {
      Array("--\(boundary)\r\nContent-Disposition: form-data; \(head)\r\n\r\n".utf8)
    }
    let segments =
      [
        part(#"name="purpose""#), Array("batch\r\n".utf8),
        part("name=\"file\"; filename=\"\(record.id).jsonl\"\r\nContent-Type: application/jsonl"),
        body, Array("\r\n--\(boundary)--\r\n".utf8),
      ]
    let uploaded = await exchange(
      record, .post, "/v1/files", .segments(segments),
      type: "multipart/form-data; boundary=\(boundary)")
    let file: String
    switch uploaded {
    case .said(_, let value):
      guard let id = value["id"]?.stringValue, Self.isName(id) else { return .notTaken(after: 0) }
      file = id
    case .refused(let failure, let body):
      let event = refused(record, failure, body)
      return event == .lost ? .notTaken(after: 0) : event
    case .nothing: return .notTaken(after: 0)
    }
    var metadata = (try? JSONValue(parsing: record.metadata))?.objectValue ?? JSONObject()
    metadata[Self.mark] = .string(record.id)
    let order: JSONValue = [
      "input_file_id": .string(file), "endpoint": .string(record.dialect.path),
      "completion_window": "24h", "metadata": .object(metadata),
    ]
    return await submit(record, .post, "/v1/batches", order.bytes())
  }

  /// The metadata's member that tells our batches from all others.
  static let mark = "assay_batch"

  // MARK: - Looking for what may have arrived

  /// Looks whether the provider has a batch whose sending was never answered.
  func seek(_ record: BatchRecord) async throws {
    // A batch of ten minutes before ours is not ours, whosever clock is wrong.
    let since = WallTime(seconds: record.created / 1_000 - 600)
    var after = ""
    var isUnclear = false
    for _ in 0..<BatchLimits.pagesMax {
      let isAnthropic = record.dialect.family == .anthropic
      let path = isAnthropic ? "/v1/messages/batches?limit=100" : "/v1/batches?limit=100"
      let cursor = after.isEmpty ? "" : "&\(isAnthropic ? "after_id" : "after")=\(after)"
      let answer = await exchange(record, .get, path + cursor)
      guard case .said(_, let value) = answer, let entries = value["data"]?.arrayValue else {
        try await take(.unclear(after: pause(after: answer, record.way)), record.id)
        return
      }
      var isPast = false
      for entry in entries {
        if Self.isOlder(entry, than: since) { isPast = true }
        switch try await isOurs(entry, record) {
        case .ours(let id):
          try await take(.found(id), record.id)
          return
        case .unclear: isUnclear = true
        case .other: break
        }
      }
      guard !isPast, value["has_more"]?.boolValue ?? false,
        let last = entries.last?["id"]?.stringValue, Self.isName(last)
      else { break }
      after = last
    }
    try await take(isUnclear ? .unclear(after: 0) : .notFound, record.id)
  }

  private static func isOlder(_ entry: JSONValue, than moment: WallTime) -> Bool {
    if let seconds = entry["created_at"]?.intValue { return Int64(seconds) < moment.seconds }
    guard let text = entry["created_at"]?.stringValue, text.hasSuffix("Z") else { return false }
    return text.prefix(19) < moment.iso8601.prefix(19)
  }

  private enum Sighting {
    case ours(String)
    case other
    /// It may be: that can be told once it has results.
    case unclear
  }

  private func isOurs(_ entry: JSONValue, _ record: BatchRecord) async throws -> Sighting {
    guard let id = entry["id"]?.stringValue, Self.isName(id) else { return .other }
    if record.dialect.family == .openAI {
      return entry["metadata"]?[Self.mark]?.stringValue == record.id ? .ours(id) : .other
    }
    // Message Batches carry no mark of their own; only the names of their requests tell them.
    let counts = ["processing", "succeeded", "errored", "canceled", "expired"].reduce(0) {
      $0 + (entry["request_counts"]?[$1]?.intValue ?? 0)
    }
    guard counts == record.requests, try await !file.isKnown(providerID: id) else { return .other }
    guard entry["processing_status"]?.stringValue == "ended" else { return .unclear }
    var first: String?
    _ = await eachLine(record, "/v1/messages/batches/\(id)/results") { line in
      first = BatchResult(line: line, of: record.dialect)?.key
      return false
    }
    guard let first else { return .unclear }
    return record.number(of: first) == nil ? .other : .ours(id)
  }

  /// How long to wait after an answer that is of no use.
  func pause(after answer: Answer, _ way: BatchWay) -> Int64 {
    guard case .refused(let failure, _) = answer else { return 0 }
    return closeGate(way, for: failure.retryAfter)
  }
}
