/// Where a loop stands in its one life: waiting, running, ended. Any thread.
struct LoopLife {
  private enum Phase { case waiting, running, ended }

  private let phase = Monitor(Phase.waiting)

  var hasEnded: Bool { phase.withLock { $0 == .ended } }

  /// False when the loop runs or has run already.
  func begin() -> Bool {
    phase.withLock { phase in
      guard phase == .waiting else { return false }
      phase = .running
      return true
    }
  }

  func end() {
    phase.withLock { $0 = .ended }
    phase.broadcast()
  }

  func waitForEnd() {
    _ = phase.wait { $0 == .ended ? true : nil }
  }
}
