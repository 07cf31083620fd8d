import EventLoop
import LedgerFile
import Machine

/// Has settlements written to their journal, all that wait in one write, and tells those who wait
/// when it is on the disk.
///
/// On the loop, where calls are made: the write goes on by itself and its end wakes the loop, so
/// that a settlement costs no way between threads. One write at a time; who comes meanwhile goes
/// with the next.
actor SettlementWriter: LoopActor {
  nonisolated let loop: EventLoop
  private var file: DirectFile?
  private var poll: DescriptorPoll?
  private var writing: SettlementQueue.Write?
  private var isAwake = false
  private var closing: CheckedContinuation<Void, Never>?
  private weak var ledger: Ledger?

  init(on loop: EventLoop) { self.loop = loop }

  /// Opens the file, which has been prepared. Throws where the machine has no such files.
  func open(_ path: String) throws {
    let file = try DirectFile(
      path, byteCount: LedgerLimits.settlementsBytes,
      bytesMax: LedgerLimits.settlementGroupBytesMax, tellsEnd: true)
    guard let descriptor = file.endDescriptor else { return }
    let poll = try DescriptorPoll(
      descriptor, on: loop,
      onReady: { [self] _ in ended() }, onStop: { [self] in stop() })
    poll.watch()
    self.file = consume file
    self.poll = poll
  }

  /// Before the ledger has told anybody of itself.
  func belongs(to ledger: Ledger) { self.ledger = ledger }

  /// Somebody waits. A loop that has ended has left nobody waiting.
  nonisolated func wake(isAlone: Bool) {
    if loop.isCurrent { return assumeIsolated { $0.wakeHere(isAlone: isAlone) } }
    _ = loop.executeUnlessEnded { self.assumeIsolated { $0.writeNext() } }
  }

  /// At once, when nobody else is about to wait too.
  private func wakeHere(isAlone: Bool) {
    guard writing == nil, !isAwake else { return }
    if isAlone { return writeNext() }
    isAwake = true
    loop.execute { self.assumeIsolated { $0.writeNext() } }
  }

  private func writeNext() {
    isAwake = false
    guard writing == nil, let ledger else { return }
    let next = ledger.change { $0.takeSettlements() }
    for answer in next.committed { answer.resume(returning: .success(.done)) }
    guard !next.pieces.isEmpty else { return }
    writing = next
    do {
      try file?.begin(next.pieces, at: next.offset)
    } catch {
      stop()
    }
  }

  private func ended() {
    guard let done = writing else { return }
    do {
      try file?.finish()
    } catch {
      return stop()
    }
    SettlementGroup.isWritten()
    writing = nil
    ledger?.pace.answered(on: loop)
    // The disk first: it has the longer way.
    writeNext()
    for (answer, line) in done.answers { answer.resume(returning: .success(.line(line))) }
    if writing == nil { closing.take()?.resume() }
  }

  /// The disk has failed, or there is no loop any more: nothing is written here again, and
  /// whoever waits hears when his line is committed.
  private func stop() {
    let answers = writing?.answers.map(\.answer) ?? []
    writing = nil
    poll?.close()
    poll = nil
    file = nil
    ledger?.change { $0.endSettlements(answers) }
    closing.take()?.resume()
  }

  /// Returns when nothing is written any more.
  func close() async {
    if writing != nil { await withCheckedContinuation { closing = $0 } }
    stop()
  }
}

extension Ledger {
  /// For `power`, where the machine has what that takes; else why not.
  static func openSettlements(
    _ options: LedgerOptions, absence: String?, on loop: EventLoop
  ) async -> (writer: SettlementWriter?, absence: String?) {
    guard options.durability == .power else { return (nil, nil) }
    if let absence { return (nil, absence) }
    let writer = SettlementWriter(on: loop)
    do {
      try await writer.open(SettlementGroup.path(options.folder))
      return (writer, nil)
    } catch {
      return (nil, "\(error)")
    }
  }
}
