import Faults
import Locking
import StoreBackend
import StoreContract

/// What one who attends has still to be told; any thread.
///
/// Runs that want an owner are left out when too many wait, and listed anew once the others are
/// told: so it never grows with what happens while its reader is slow.
final class AttendanceMailbox: Sendable {
  private struct State {
    var notices: [Attendance] = []
    /// All runs that want an owner are still to be listed.
    var needsListing = true
    var end: Fault?
    var waiter: CheckedContinuation<Void, Never>?
  }

  enum Next {
    case notices([Attendance])
    case listing
    case ended(Fault)
  }

  /// Notices of runs without an owner that may wait.
  static let offersMax = 1024

  private let state = Lock(State())

  func put(_ notice: Attendance) {
    wake { state in
      if case .wantsOwner = notice.kind, state.notices.count >= Self.offersMax {
        state.needsListing = true
      } else {
        state.notices.append(notice)
      }
    }
  }

  /// Nothing more comes; what waits is still told.
  func end(_ fault: Fault) { wake { $0.end = $0.end ?? fault } }

  private func wake(_ body: (inout State) -> Void) {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.end == nil else { return nil }
      body(&state)
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits for something to tell; one reader.
  func next() async throws -> Next {
    while true {
      try Task.checkCancellation()
      if let next = take() { return next }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isReady = state.withLock { state in
            let isEmpty = state.notices.isEmpty && !state.needsListing && state.end == nil
            guard isEmpty, !Task.isCancelled else { return true }
            state.waiter = continuation
            return false
          }
          if isReady { continuation.resume() }
        }
      } onCancel: {
        state.withLock { $0.waiter.take() }?.resume()
      }
    }
  }

  private func take() -> Next? {
    state.withLock { state in
      if !state.notices.isEmpty {
        defer { state.notices = [] }
        return .notices(state.notices)
      }
      if let end = state.end { return .ended(end) }
      guard state.needsListing else { return nil }
      state.needsListing = false
      return .listing
    }
  }
}

extension Attendance {
  static func wantsOwner(_ key: LeaseKey) -> Attendance {
    Attendance(kind: .wantsOwner(RunWantsOwner(product: key.product.name, runId: key.name)))
  }
}
