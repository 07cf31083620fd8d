import EventLoop
import JSON
import SimulatorModel
import SimulatorScript
import Telemetry

/// What is done with the requests of a batch: one after another, a few a turn of the loop, each
/// with its line on the bill at half price before its result can be seen.
extension Simulation {
  private static let requestsPerTurn = 64

  func work(on id: String, from start: Int) {
    loop.schedule(after: batchPause) { [weak self] in self?.workNow(on: id, from: start) }
  }

  /// The latency law's first byte, between groups of requests.
  private var batchPause: Duration {
    .nanoseconds(Int64(latency.firstNanoseconds))
  }

  private func workNow(on id: String, from start: Int) {
    guard let batch = batches.batches[id], batch.ended == nil else { return }
    let isExpired = now >= batch.expires
    if isExpired { batches.change(id) { $0.isExpired = true } }
    let end =
      batch.isCanceled || isExpired ? start : min(start + Self.requestsPerTurn, batch.items.count)
    var waiting = end - start
    guard waiting > 0 else { return conclude(id) }
    for index in start..<end {
      answer(batch, index) { [weak self] line, outcome in
        self?.batches.change(id) {
          $0.items[index].result = line
          $0.items[index].outcome = outcome
        }
        waiting -= 1
        if waiting == 0 { self?.work(on: id, from: end) }
      }
    }
  }

  private func answer(
    _ batch: BatchShelf.Batch, _ index: Int,
    _ done: @escaping ([UInt8], BatchShelf.Outcome) -> Void
  ) {
    let item = batch.items[index]
    let names = names(for: batch.dialect)
    let request: PromptRequest
    do throws(ProviderError) {
      request =
        batch.dialect.isAnthropic
        ? try MessagesReader.read(item.body, for: .batch)
        : try OpenAIReader.read(item.body, as: batch.dialect)
    } catch {
      let body = error.body(batch.dialect, requestID: names.request)
      return done(
        Self.line(batch.dialect, item.customID, names, body, status: error.status), .errored)
    }
    let plan = cache.plan(request, scope: batch.key, now: now)
    let answer = Answer.make(for: request, seed: options.seed)
    var usage = plan.usage
    usage.output = answer.outputTokens
    let reply = Reply(request, names, answer, usage)
    let time = WallTime.now()
    var line = BillLine(
      time: UInt64(time.seconds) * 1_000_000_000 + UInt64(time.nanoseconds),
      requestID: names.request, callKey: item.customID, attempt: nil, key: batch.key,
      request: request, usage: usage, status: 200)
    line.isBatch = true
    bill(line) { [weak self] in
      self?.cache.answerBegan(plan)
      done(
        Self.line(batch.dialect, item.customID, names, reply.body(), status: 200), .succeeded)
    }
  }

  /// A line of results as each provider writes it.
  private static func line(
    _ dialect: Dialect, _ customID: String, _ names: CallNames, _ body: [UInt8], status: Int
  ) -> [UInt8] {
    // What was just written is JSON.
    let value = (try? JSONValue(parsing: body)) ?? .null
    let result: JSONValue
    if dialect.isAnthropic {
      result = .object([
        "custom_id": .string(customID),
        "result": status == 200
          ? ["type": "succeeded", "message": value] : ["type": "errored", "error": value],
      ])
    } else {
      result = .object([
        "id": .string("batch_req_\(names.request.dropFirst(4))"),
        "custom_id": .string(customID),
        "response": [
          "status_code": .number(status), "request_id": .string(names.request), "body": value,
        ],
        "error": .null,
      ])
    }
    return result.bytes() + [0x0A]
  }

  func cancelBatch(_ id: String) {
    batches.change(id) { if $0.ended == nil { $0.isCanceled = true } }
  }

  private func conclude(_ id: String) {
    let time = Int(WallTime.now().seconds)
    batches.change(id) { batch in
      let outcome: BatchShelf.Outcome = batch.isExpired ? .expired : .canceled
      for index in batch.items.indices where batch.items[index].outcome == .waiting {
        batch.items[index].outcome = outcome
        let line = Self.unanswered(batch.items[index].customID, outcome, batch.dialect)
        batch.items[index].result = line.map { $0.bytes() + [0x0A] }
      }
      batch.ended = time
    }
    guard let batch = batches.batches[id], !batch.dialect.isAnthropic else { return }
    let output = keepLines(of: batch, "succeeded", [.succeeded], time)
    let errors = keepLines(of: batch, "errored", [.errored, .expired], time)
    batches.change(id) {
      $0.outputFile = output
      $0.errorFile = errors
    }
  }

  /// What is said of a request that nobody came to; OpenAI says nothing of canceled ones.
  private static func unanswered(
    _ customID: String, _ outcome: BatchShelf.Outcome, _ dialect: Dialect
  ) -> JSONValue? {
    if dialect.isAnthropic {
      return ["custom_id": .string(customID), "result": ["type": .string(outcome.rawValue)]]
    }
    guard outcome == .expired else { return nil }
    return [
      "id": .string("batch_req_\(customID)"), "custom_id": .string(customID), "response": .null,
      "error": ["code": "batch_expired", "message": "The batch expired before this request."],
    ]
  }

  /// OpenAI's results are files; nil when there is nothing to write.
  private func keepLines(
    of batch: BatchShelf.Batch, _ name: String, _ outcomes: Set<BatchShelf.Outcome>, _ time: Int
  ) -> String? {
    let lines = batch.items.filter { outcomes.contains($0.outcome) }.compactMap(\.result)
    guard !lines.isEmpty else { return nil }
    let id = "file-\(batch.id.dropFirst(6))-\(name)"
    batches.keep(
      BatchShelf.StoredFile(
        name: "\(id).jsonl", purpose: "batch_output", created: time,
        bytes: Array(lines.joined())), as: id)
    return id
  }
}
