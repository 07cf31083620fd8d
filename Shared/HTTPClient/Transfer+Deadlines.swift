import EventLoop

/// The times of one exchange, on the loop's monotonic clock.
struct TransferClock {
  var begunAt: UInt64 = 0
  /// When bytes moved last, or somebody began to wait for them.
  var progressedAt: UInt64 = 0
  var timer: LoopTimer?
  /// When the timer fires.
  var timerAt = UInt64.max
}

/// One timer for all timeouts: it is set anew only for an earlier deadline, and looks when it
/// fires which one is due. A call in time costs one timer, set and cancelled.
extension Transfer {
  func progressed() { clock.progressedAt = loop.nowNanoseconds }

  /// Sets the timer if something is due before it fires.
  func checkDeadlines() {
    guard stage != .over, let (deadline, _) = nextDeadline, deadline < clock.timerAt else { return }
    clock.timer?.cancel()
    clock.timerAt = deadline
    let now = loop.nowNanoseconds
    let wait = deadline > now ? deadline - now : 0
    clock.timer = loop.schedule(after: .nanoseconds(Int64(clamping: wait))) { [unowned self] in
      clock.timer = nil
      clock.timerAt = .max
      timerFired()
    }
  }

  private func timerFired() {
    guard stage != .over else { return }
    guard let (deadline, timeout) = nextDeadline, deadline <= loop.nowNanoseconds else {
      return checkDeadlines()
    }
    fail(timedOut(timeout))
  }

  private enum Timeout { case connect, head, stall, total }

  /// What is due first; nil when nothing is.
  private var nextDeadline: (UInt64, Timeout)? {
    let total = timeouts.total.map { (clock.begunAt + $0.nanosecondsForDeadline, Timeout.total) }
    guard let phase = phaseDeadline else { return total }
    guard let total, total.0 < phase.0 else { return phase }
    return total
  }

  private var phaseDeadline: (UInt64, Timeout)? {
    switch stage {
    case .new, .over: nil
    case .resolving, .connecting:
      (clock.begunAt + timeouts.connect.nanosecondsForDeadline, .connect)
    case .exchanging:
      if !outgoing.isTaken && !head.isComplete {
        (clock.progressedAt + timeouts.stall.nanosecondsForDeadline, .stall)
      } else if !head.isComplete {
        (clock.progressedAt + timeouts.head.nanosecondsForDeadline, .head)
      } else if isReceivePaused {
        nil
      } else {
        (clock.progressedAt + timeouts.stall.nanosecondsForDeadline, .stall)
      }
    }
  }

  private func timedOut(_ timeout: Timeout) -> HTTPClientError {
    switch timeout {
    case .connect: error(.connectTimeout, "No connection within \(timeouts.connect)")
    case .head: error(.headTimeout, "No head within \(timeouts.head)")
    case .stall: error(.stallTimeout, "No byte for \(timeouts.stall)")
    case .total: error(.totalTimeout, "The call took longer than \(timeouts.total ?? .zero)")
    }
  }
}
