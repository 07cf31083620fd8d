/// Bounds of one loop, and whom to tell when a job holds it too long.
package struct EventLoopLimits: Sendable {
  /// A job or a batch of callbacks that holds the loop longer is reported.
  package var stallLimit: Duration
  /// Told on the loop's thread, after the stall, once for each.
  package var onStall: @Sendable (Stall) -> Void
  /// Jobs in one turn before sockets and timers are looked at again.
  package var jobsPerTurnMax: Int
  /// Bytes one stream may have queued; a write beyond it closes the stream.
  package var writeQueueBytesMax: Int
  /// Different labels of one loop; the next ones share the loop's own.
  package var labelsMax: Int

  package init(
    stallLimit: Duration = .milliseconds(50),
    onStall: @escaping @Sendable (Stall) -> Void = { _ in },
    jobsPerTurnMax: Int = 4096,
    writeQueueBytesMax: Int = 64 << 20,
    labelsMax: Int = 4096
  ) {
    self.stallLimit = stallLimit
    self.onStall = onStall
    self.jobsPerTurnMax = max(1, jobsPerTurnMax)
    self.writeQueueBytesMax = writeQueueBytesMax
    self.labelsMax = labelsMax
  }
}

/// Something held a loop for longer than its limit: every other call on it waited.
package struct Stall: Hashable, Sendable {
  /// The loop's name.
  package let loop: String
  /// The RPC method, or what else ran: the loop's name, `execute`, `timers`, `input`, `turn`.
  package let label: String
  /// How long, to the kernel's tick (1 to 4 ms).
  package let held: Duration
}

extension Duration {
  /// Nanoseconds, cut to what a clock can hold: nothing below zero, about 146 years above.
  var clampedNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < Int64.max / 2_000_000_000 else { return UInt64(Int64.max / 2) }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
  }
}
