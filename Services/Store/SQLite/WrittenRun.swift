import Protobuf
import SQLite
import ScoreContract
import StoreBackend
import StoreContract

/// A run as its writer remembers it: its key, its head and the end of its chain of verdicts.
final class WrittenRun {
  let key: Int64
  let product: Int64
  let id: String
  let workload: String
  let specHash: String
  let idempotencyKey: String
  let createdAt: Int64
  var updatedAt: Int64
  var head: RunHead
  var chain: [UInt8]
  /// Is written when the group's orders are.
  var isChanged = false
  /// What its row says beside numbers; nil until it was written by this process.
  var writtenTraits: RunTraits?
  /// Its outcome is, too.
  var hasNewOutcome = false

  init(_ request: CreateRunRequest, key: Int64, product: Int64, at now: Int64) {
    self.key = key
    self.product = product
    id = request.runId
    workload = request.workload
    specHash = request.specHash
    idempotencyKey = request.idempotencyKey
    createdAt = now
    updatedAt = now
    head = RunHead(state: .pending, options: request.options ?? RunOptions())
    chain = VerdictRow.chainStart
  }

  /// From a row of `RunColumns`.
  init(_ row: Statement, product: Int64) {
    key = row.int64(at: 0)
    self.product = product
    id = row.text(at: 1)
    workload = row.text(at: 2)
    specHash = row.text(at: 3)
    idempotencyKey = row.text(at: 4)
    createdAt = row.int64(at: 5)
    updatedAt = row.int64(at: 6)
    head = RunColumns.head(row)
    chain = row.bytes(at: 23)
  }

  /// All that is told of it but its spec.
  var asRun: Run {
    var run = Run(
      id: id, workload: workload, specHash: specHash, idempotencyKey: idempotencyKey,
      createdAtUs: createdAt, updatedAtUs: updatedAt)
    head.fill(&run)
    return run
  }
}

/// What of a run's head few commits change.
struct RunTraits: Equatable {
  let state: RunState
  let reason: String
  let requested: RunRequest
  let generation: UInt32
  let options: RunOptions

  init(_ head: RunHead) {
    state = head.state
    reason = head.reason
    requested = head.requested
    generation = head.generation
    options = head.options
  }
}

/// The columns of a run as every question for one names them.
enum RunColumns {
  static let names = """
    r.key, r.id, r.workload, r.spec_hash, r.idempotency_key, r.created_at, r.updated_at,
    r.state, r.reason, r.requested, r.generation, r.last_seq, r.options,
    r.planned, r.succeeded, r.failed, r.undetermined, r.skipped, r.attempts, r.lost_attempts,
    r.cost_nanos, r.input_tokens, r.output_tokens, r.chain, b.outcome
    """

  static func head(_ row: Statement) -> RunHead {
    let options = row.withBytes(at: 12) { try? RunOptions(unpacking: $0) }
    var head = RunHead(
      state: RunState(rawValue: Int32(truncatingIfNeeded: row.int64(at: 7))),
      options: options ?? RunOptions())
    head.reason = row.text(at: 8)
    head.requested = RunRequest(rawValue: Int32(truncatingIfNeeded: row.int64(at: 9)))
    head.generation = UInt32(truncatingIfNeeded: row.int64(at: 10))
    head.lastSeq = row.int64(at: 11)
    head.totals = RunTotals(
      planned: row.int64(at: 13), succeeded: row.int64(at: 14), failed: row.int64(at: 15),
      undetermined: row.int64(at: 16), skipped: row.int64(at: 17), attempts: row.int64(at: 18),
      lostAttempts: row.int64(at: 19), costNanos: row.int64(at: 20),
      inputTokens: row.int64(at: 21), outputTokens: row.int64(at: 22))
    head.outcome = row.bytes(at: 24)
    return head
  }
}
