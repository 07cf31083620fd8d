package import EventLoop
import Failpoints
import GatewayBudgets
package import GatewayLedger
package import GatewayPipeline
import LedgerFile
import Machine
package import Telemetry

/// Batches under way, and the way to those that have ended.
///
/// All of its state belongs to one loop. Each batch is worked on by one task at a time; what
/// follows from an answer is written down before anything else is done about it.
package actor BatchRunner: LoopActor {
  package nonisolated let loop: EventLoop
  let pipeline: CallPipeline
  let ledger: Ledger
  let file: BatchFile
  let pace: BatchPace
  let logger: Logger
  /// Where batches are read and written out: there may be megabytes to look at.
  let reading = BlockingPool(name: "batch-reader", threadsMax: 1, queueMax: 4_096)
  var random = SystemRandomNumberGenerator()
  /// Batches that have not ended.
  private(set) var open: [String: OpenBatch] = [:]
  /// The money of their requests, by attempt; those of an earlier process have none here.
  var holds: [Int64: AttemptHold] = [:]
  /// Until when a provider's key is left alone, for all batches, as it asked.
  var closedUntil: [BatchWay: Int64] = [:]
  /// What providers refused batches with, until that is told.
  var refusals: [String: ProviderRefusal] = [:]
  /// Batches that are being made, and their requests.
  var creations = 0
  var requestsComing = 0
  /// Calls on their way through batches, and those that still wait for others.
  var gathered: [CallName: GatheredCall] = [:]
  /// Documents that are being read for a call, behind those for the calls before it.
  var lastReading: Task<CallRequest, any Error>?
  var gatherings: [GatheringKey: Gathering] = [:]
  var isClosed = false
  private var sweeping: LoopTimer?

  private static let sweepEvery = Duration.seconds(3_600)

  /// A batch with its timer.
  struct OpenBatch {
    var record: BatchRecord
    var timer: LoopTimer?
    var isBusy = false
  }

  package init(
    pipeline: CallPipeline, ledger: Ledger, file: BatchFile, pace: BatchPace = BatchPace(),
    logger: Logger
  ) {
    loop = pipeline.loop
    self.pipeline = pipeline
    self.ledger = ledger
    self.file = file
    self.pace = pace
    self.logger = logger
  }

  /// Goes on with what an earlier process has left.
  package func start() async throws {
    for var record in try await file.open() {
      switch record.machine.take(.restarted, at: nowMilliseconds, pace) {
      case .drop:
        // It has not left, so that nothing of it can cost anything.
        try await free(try await file.items(of: record.id))
        try await file.drop(record.id)
      case .go, .already, .illegal:
        try await file.save(record)
        open[record.id] = OpenBatch(record: record)
        schedule(record.id)
      }
    }
    for record in try await file.withCalls() { try await takeUp(record) }
    sweep()
  }

  package func close() async {
    isClosed = true
    for batch in open.values { batch.timer?.cancel() }
    sweeping?.cancel()
    for gathering in gatherings.values { gathering.timer?.cancel() }
    for call in gathered.values { call.tell(nil) }
    await file.close()
  }

  private func sweep() {
    guard !isClosed else { return }
    sweeping = loop.schedule(after: Self.sweepEvery) { [weak self] in
      self?.assumeIsolated { $0.sweep() }
    }
    let moment = nowMilliseconds - BatchLimits.keptMilliseconds
    Task(executorPreference: loop) { try? await self.file.sweep(before: moment) }
  }

  var nowMilliseconds: Int64 {
    let now = WallTime.now()
    return now.seconds * 1_000 + Int64(now.nanoseconds) / 1_000_000
  }

  var requestsOpen: Int {
    open.values.reduce(requestsComing) { $0 + $1.record.requests }
  }

  // MARK: - One step after another

  func began(_ record: BatchRecord) {
    open[record.id] = OpenBatch(record: record, isBusy: true)
  }

  func left(_ id: String) { open[id] = nil }

  /// Sets the timer of a batch's next work.
  func schedule(_ id: String) {
    guard !isClosed, var batch = open[id] else { return }
    batch.timer?.cancel()
    batch.timer = nil
    // Whoever is at it schedules it again.
    if !batch.isBusy {
      if batch.record.machine.stage == .ended {
        open[id] = nil
        return
      }
      let gate = closedUntil[batch.record.way] ?? 0
      let at = max(batch.record.machine.nextAt, gate)
      batch.timer = loop.schedule(after: .milliseconds(max(0, at - nowMilliseconds))) {
        [weak self] in self?.assumeIsolated { $0.wake(id) }
      }
    }
    open[id] = batch
  }

  private func wake(_ id: String) {
    guard !isClosed, open[id]?.isBusy == false else { return }
    open[id]?.isBusy = true
    Task(executorPreference: loop) { await self.step(id) }
  }

  private func step(_ id: String) async {
    do {
      try await work(on: id)
    } catch {
      stumbled(id, error)
    }
    rested(id)
  }

  func rested(_ id: String) {
    open[id]?.isBusy = false
    schedule(id)
  }

  /// Our own disk or ledger refused: nothing is lost, and it is tried again.
  func stumbled(_ id: String, _ error: any Error) {
    logger.error(
      "a batch could not go on", [.call: .string(id), .reason: .string("\(error)")])
    guard var batch = open[id] else { return }
    batch.record.machine.nextAt = nowMilliseconds + pace.mostMilliseconds
    open[id] = batch
  }

  private func work(on id: String) async throws {
    guard let record = open[id]?.record else { return }
    switch record.machine.work {
    case .nothing: break
    case .send: try await send(id)
    case .seek: try await seek(record)
    case .poll: try await poll(record)
    case .tellCancel: try await tellCancel(record)
    case .collect: try await collect(record)
    case .close: try await settleRest(record)
    }
  }

  /// Takes a step and writes it down. Only what tells where a batch stands is worth a write:
  /// when it is asked about next can be worked out again.
  @discardableResult
  func take(
    _ event: BatchMachine.Event, _ id: String, _ change: (inout BatchRecord) -> Void = { _ in }
  ) async throws -> BatchMachine.Move {
    guard var record = open[id]?.record else { return .already }
    let old = record
    let move = record.machine.take(event, at: nowMilliseconds, pace)
    if move == .illegal {
      logger.error(
        "a batch cannot go this way", [.call: .string(id), .reason: .string("\(event)")])
      return move
    }
    if move == .already { return move }
    change(&record)
    if record.machine.stage == .ended, record.endedAt == nil { record.endedAt = nowMilliseconds }
    open[id]?.record = record
    var same = old
    same.machine.takeTimes(of: record.machine)
    if same != record { try await file.save(record) }
    return move
  }

  /// A provider that asked to be left alone is left alone by every batch.
  func closeGate(_ way: BatchWay, for duration: Duration?) -> Int64 {
    guard let duration else { return 0 }
    let (seconds, attoseconds) = duration.components
    let after = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    closedUntil[way] = max(closedUntil[way] ?? 0, nowMilliseconds + after)
    return after
  }
}
