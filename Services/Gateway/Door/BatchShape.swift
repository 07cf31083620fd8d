import GatewayBatches
import GatewayProviders
import JSON
import Telemetry

/// Batches and files as each family's clients know them.
enum BatchShape {
  // MARK: - Anthropic

  static func message(_ standing: BatchStanding, place: String) -> JSONValue {
    let record = standing.record
    let counts = standing.counts
    let hasEnded = record.machine.stage == .ended
    return .object([
      "id": .string(record.id), "type": "message_batch",
      "processing_status": .string(
        hasEnded ? "ended" : record.machine.isCanceled ? "canceling" : "in_progress"),
      "request_counts": [
        "processing": .number(counts[.waiting]), "succeeded": .number(counts[.succeeded]),
        "errored": .number(counts[.errored] + counts[.lost]),
        "canceled": .number(counts[.canceled]), "expired": .number(counts[.expired]),
      ],
      "created_at": time(record.created), "expires_at": time(record.machine.expiresAt),
      "ended_at": time(record.endedAt), "archived_at": .null,
      "cancel_initiated_at": time(record.canceledAt),
      "results_url": hasEnded
        ? .string("\(place)/v1/messages/batches/\(record.id)/results") : .null,
    ])
  }

  private static func time(_ milliseconds: Int64?) -> JSONValue {
    milliseconds.map { .string(WallTime(seconds: $0 / 1_000).iso8601) } ?? .null
  }

  // MARK: - OpenAI

  static func batch(_ standing: BatchStanding) -> JSONValue {
    let record = standing.record
    let counts = standing.counts
    let failed = [BatchOutcome.errored, .expired, .lost].reduce(0) { $0 + counts[$1] }
    let status = status(of: record)
    let hasEnded = record.machine.stage == .ended
    func ended(_ wanted: String) -> JSONValue { status == wanted ? second(record.endedAt) : .null }
    return .object([
      "id": .string(record.id), "object": "batch", "endpoint": .string(record.dialect.path),
      "errors": .null, "input_file_id": .string(record.inputFile), "completion_window": "24h",
      "status": .string(status),
      "output_file_id": hasEnded && counts[.succeeded] > 0
        ? .string("file-\(record.id)-output") : .null,
      "error_file_id": hasEnded && failed + counts[.canceled] > 0
        ? .string("file-\(record.id)-errors") : .null,
      "created_at": second(record.created), "in_progress_at": second(record.created),
      "expires_at": second(record.machine.expiresAt), "finalizing_at": .null,
      "completed_at": ended("completed"), "failed_at": .null, "expired_at": ended("expired"),
      "cancelling_at": second(record.canceledAt), "cancelled_at": ended("cancelled"),
      "request_counts": [
        "total": .number(record.requests), "completed": .number(counts[.succeeded]),
        "failed": .number(failed),
      ],
      "metadata": (try? JSONValue(parsing: record.metadata)) ?? .null,
    ])
  }

  private static func status(of record: BatchRecord) -> String {
    switch (record.machine.stage, record.machine.rest) {
    case (.ended, .canceled): "cancelled"
    case (.ended, .expired): "expired"
    case (.ended, _): "completed"
    default: record.machine.isCanceled ? "cancelling" : status(of: record.machine.stage)
    }
  }

  private static func status(of stage: BatchMachine.Stage) -> String {
    switch stage {
    case .made, .sending, .resting, .seeking: "validating"
    case .running: "in_progress"
    case .collecting, .closing, .ended: "finalizing"
    }
  }

  private static func second(_ milliseconds: Int64?) -> JSONValue {
    milliseconds.map { .number(Int($0 / 1_000)) } ?? .null
  }

  // MARK: - Files

  static func file(_ file: StoredFile) -> JSONValue {
    .object([
      "id": .string(file.id), "object": "file", "bytes": .number(Int(file.byteCount)),
      "created_at": second(file.created), "filename": .string(file.name),
      "purpose": results(named: file.id) == nil ? "batch" : "batch_output",
      "status": "processed",
    ])
  }

  /// The batch whose results a file's id names, and which of them.
  static func results(named id: String) -> (batch: String, succeeded: Bool)? {
    guard id.hasPrefix("file-batch_") else { return nil }
    let rest = id.dropFirst("file-".count)
    if rest.hasSuffix("-output") { return (String(rest.dropLast("-output".count)), true) }
    if rest.hasSuffix("-errors") { return (String(rest.dropLast("-errors".count)), false) }
    return nil
  }
}
