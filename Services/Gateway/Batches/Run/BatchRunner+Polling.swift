import Failpoints
import Faults
import GatewayPipeline
import GatewayProviders
import GatewayValues
import HTTPClient
import JSON

extension BatchRunner {
  private func path(_ record: BatchRecord) -> String {
    let base = record.dialect.family == .anthropic ? "/v1/messages/batches/" : "/v1/batches/"
    return base + record.machine.providerID
  }

  func poll(_ record: BatchRecord) async throws {
    let answer = await exchange(record, .get, path(record))
    Failpoint.pass("batches.poll.after-answer")
    guard case .said(_, let value) = answer else {
      if case .refused(let failure, _) = answer, failure.status == 404 {
        try await take(.unknownThere, record.id)
      } else {
        try await take(.unreachable(after: pause(after: answer, record.way)), record.id)
      }
      return
    }
    let rest: BatchOutcome?
    switch (record.dialect.family, value["processing_status"] ?? value["status"]) {
    case (.anthropic, "ended"): rest = .lost
    case (.openAI, "completed"): rest = .lost
    case (.openAI, "failed"): rest = .errored
    case (.openAI, "expired"): rest = .expired
    case (.openAI, "cancelled"): rest = .canceled
    default: rest = nil
    }
    guard let rest else {
      try await take(.stillRunning, record.id)
      return
    }
    if rest == .errored, let first = value["errors"]?["data"]?.arrayValue?.first {
      // What was wrong with the file as a whole is wrong with each of its requests.
      let body: JSONValue = ["error": first]
      refusals[record.id] = ProviderRefusal(
        failure: ProviderFailure(.invalidRequest), dialect: record.dialect, body: body.bytes(),
        attempts: 1, provider: record.way.provider.text)
    }
    try await take(.over(rest: rest), record.id) { record in
      record.resultFiles = ["output_file_id", "error_file_id"].compactMap {
        value[$0]?.stringValue
      }.filter(Self.isName)
    }
  }

  func tellCancel(_ record: BatchRecord) async throws {
    let answer = await exchange(record, .post, path(record) + "/cancel")
    switch answer {
    case .said: try await take(.cancelTold, record.id)
    case .refused(let failure, _) where !failure.cause.mayWorkAgain:
      // It has ended there, or is not known: asking for it tells.
      try await take(.cancelTold, record.id)
    case .refused, .nothing:
      try await take(.unreachable(after: pause(after: answer, record.way)), record.id)
    }
  }

  // MARK: - Results

  /// Reads the results, settles each request as it comes, and what has none at the end.
  func collect(_ record: BatchRecord) async throws {
    let items = try await file.items(of: record.id)
    var waiting: [Int: BatchItem] = [:]
    for item in items where item.outcome == .waiting { waiting[item.number] = item }
    let paths =
      record.dialect.family == .anthropic
      ? [path(record) + "/results"] : record.resultFiles.map { "/v1/files/\($0)/content" }
    for path in paths {
      var group: [(item: BatchItem, result: BatchResult)] = []
      let end = try await eachGroup(record, path) { lines in
        group = []
        for line in lines {
          guard let result = BatchResult(line: line, of: record.dialect),
            let number = record.number(of: result.key),
            let item = waiting.removeValue(forKey: number)
          else { continue }
          group.append((item, result))
        }
        try await self.settle(group, of: record)
        Failpoint.pass("batches.collect.after-group")
      }
      switch end {
      case .whole: break
      case .gone:
        try await take(.unknownThere, record.id)
        return
      case .cut(let after):
        try await take(.unreachable(after: after), record.id)
        return
      }
    }
    try await take(.collected, record.id)
  }

  enum LinesEnd {
    case whole
    case gone
    case cut(after: Int64)
  }

  /// Lines in groups; what `body` throws is our own trouble.
  private func eachGroup(
    _ record: BatchRecord, _ path: String, _ body: ([[UInt8]]) async throws -> Void
  ) async throws -> LinesEnd {
    var group: [[UInt8]] = []
    var bytes = 0
    var trouble: (any Error)?
    let end = await eachLine(record, path) { line in
      group.append(line)
      bytes += line.count
      guard group.count >= BatchLimits.groupMax || bytes >= BatchLimits.lineBytesMax else {
        return true
      }
      do {
        try await body(group)
      } catch {
        trouble = error
        return false
      }
      group = []
      bytes = 0
      return true
    }
    if let trouble { throw trouble }
    if !group.isEmpty { try await body(group) }
    return end
  }

  /// Reads lines as they come, until `body` has enough. A last line without its end is whole.
  func eachLine(
    _ record: BatchRecord, _ path: String, _ body: ([UInt8]) async -> Bool
  ) async -> LinesEnd {
    var request = HTTPClientRequest(.get, path)
    request.headers = record.headers.map { HTTPField($0.name, $0.value) }
    request.responseBodyBytesMax = BatchLimits.resultsBytesMax
    do {
      guard
        let response = try await pipeline.exchange(record.way, record.dialect.family, request)
      else { return .cut(after: pace.mostMilliseconds) }
      guard response.status == 200 else {
        let bytes = try await response.body.collect(max: ProviderLimits.errorBytesMax)
        let failure = ProviderFailure(
          status: response.status, headers: response.headers, body: bytes,
          family: record.dialect.family, nowMilliseconds: nowMilliseconds)
        if response.status == 404 { return .gone }
        return .cut(after: closeGate(record.way, for: failure.retryAfter))
      }
      var rest: [UInt8] = []
      for try await chunk in response.body {
        var start = chunk.startIndex
        while let end = chunk[start...].firstIndex(of: 0x0A) {
          rest += chunk[start..<end]
          start = end + 1
          if !rest.isEmpty, await !body(rest) { return .whole }
          rest = []
        }
        rest += chunk[start...]
        guard rest.count <= BatchLimits.lineBytesMax else {
          return .cut(after: pace.mostMilliseconds)
        }
      }
      if !rest.isEmpty { _ = await body(rest) }
      return .whole
    } catch {
      return .cut(after: 0)
    }
  }
}
