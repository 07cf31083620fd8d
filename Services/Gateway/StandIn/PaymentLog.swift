import Digest
import EventLoop
import GatewayContract
import JSON
import Machine
import ScoreContract

/// One payment as the log has it.
package struct Payment: Sendable, Equatable {
  package let callKey: String
  package let runID: String
  /// Hash of what was asked: the same question twice is seen, whatever key it came under.
  package let content: String
  package let costNanos: Int64
  /// The answer that was paid for; nil when it was lost.
  let response: GenerateResponse?
}

/// Every payment, a JSON line each, on disk before it is answered. Payments that come while the
/// disk is busy share its next turn.
package actor PaymentLog {
  private let path: String
  private let pool: BlockingPool
  private var waiting: [Entry] = []
  private var isWriting = false

  private struct Entry {
    let line: String
    let written: CheckedContinuation<Void, any Error>
  }

  /// Appends to the file of that path; made when there is none.
  package init(path: String) throws {
    self.path = path
    // A line that a crash cut off gets its end, so that the next one is not glued to it.
    if Files.facts(of: path) != nil, let last = try Files.readEnd(of: path, count: 1).last,
      last != 0x0A
    {
      try OpenFile(path, for: .append).write("\n")
    }
    pool = BlockingPool(name: "payments", threadsMax: 1, queueMax: 4)
  }

  /// What was paid so far; a line that a crash cut off was never answered, and is left out.
  package static func read(_ path: String) throws -> [Payment] {
    guard Files.facts(of: path) != nil else { return [] }
    let text = String(
      decoding: try Files.read(path, bytesMax: 1 << 30), as: UTF8.self)
    return text.split(separator: "\n").compactMap { line in
      (try? JSONValue(parsing: String(line))).flatMap(Payment.init(line:))
    }
  }

  /// Returns when the payment is on disk.
  func append(_ payment: Payment) async throws {
    try await withCheckedThrowingContinuation { continuation in
      waiting.append(Entry(line: payment.line + "\n", written: continuation))
      guard !isWriting else { return }
      isWriting = true
      Task { await self.writeAll() }
    }
  }

  private func writeAll() async {
    while !waiting.isEmpty {
      let entries = waiting
      waiting = []
      let (path, text) = (path, entries.map(\.line).joined())
      do {
        try await pool.run {
          let file = try OpenFile(path, for: .append)
          try file.write(text)
          try file.sync()
        }
        for entry in entries { entry.written.resume() }
      } catch {
        for entry in entries { entry.written.resume(throwing: error) }
      }
    }
    isWriting = false
  }
}

extension Payment {
  /// A payment as a test makes it up.
  package init(callKey: String, runID: String, content: String, costNanos: Int64) {
    self.callKey = callKey
    self.runID = runID
    self.content = content
    self.costNanos = costNanos
    response = nil
  }

  init(_ request: GenerateRequest, _ response: GenerateResponse, isLost: Bool) {
    callKey = request.callKey
    runID = request.runId
    content = Payment.content(of: request)
    costNanos = response.usage?.costNanos ?? 0
    self.response = isLost ? nil : response
  }

  static func content(of request: GenerateRequest) -> String {
    var digest = SHA256()
    digest.update(field: request.model)
    for block in request.blocks { digest.update(field: block.text) }
    return digest.finishHex()
  }

  fileprivate var line: String {
    var object = JSONObject()
    object["call_key"] = .string(callKey)
    object["run_id"] = .string(runID)
    object["content"] = .string(content)
    object["cost_nanos"] = .number(Int(costNanos))
    if let response {
      object["model"] = .string(response.model)
      object["text"] = .string(response.text)
      object["finish"] = .number(Int(response.finish.rawValue))
      object["input_tokens"] = .number(Int(response.usage?.inputTokens ?? 0))
      object["output_tokens"] = .number(Int(response.usage?.outputTokens ?? 0))
    }
    return JSONValue.object(object).text()
  }

  fileprivate init?(line: JSONValue) {
    guard let callKey = line["call_key"]?.stringValue, let content = line["content"]?.stringValue,
      let cost = line["cost_nanos"]?.intValue
    else { return nil }
    self.callKey = callKey
    runID = line["run_id"]?.stringValue ?? ""
    self.content = content
    costNanos = Int64(cost)
    guard let text = line["text"]?.stringValue else {
      response = nil
      return
    }
    var usage = Usage()
    usage.inputTokens = Int64(line["input_tokens"]?.intValue ?? 0)
    usage.outputTokens = Int64(line["output_tokens"]?.intValue ?? 0)
    usage.costNanos = costNanos
    usage.completeness = .exact
    usage.priceVersion = "stand-in"
    response = GenerateResponse(
      callKey: callKey, model: line["model"]?.stringValue ?? "", text: text,
      finish: GenerateResponse.Finish(rawValue: Int32(line["finish"]?.intValue ?? 0)),
      usage: usage)
  }
}
