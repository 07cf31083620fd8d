package import Faults
package import HTTP2
import Locking
package import Protobuf

/// The sending half of one stream, between any thread that sends and the connection's loop.
///
/// It says when the connection must be woken, and makes senders wait while the peer is slow.
package final class Outbox: Sendable {
  private struct State {
    var buffer = OutboundBuffer()
    /// The connection asks for no more bytes until it is woken.
    var isStarved = true
    var hasGivenBytes = false
    var closed: (@Sendable () -> Fault)?
    var waiter: Waiter<Void, any Error>?
  }

  private let state = Lock(State())
  private let unsentBytesMax: Int

  package init(unsentBytesMax: Int) { self.unsentBytesMax = unsentBytesMax }

  /// What the sender must do after an append.
  package struct Appended {
    package let wakes: Bool
    package let waits: Bool
  }

  package func append(_ message: some WireMessage) throws(Fault) -> Appended {
    try append { buffer in buffer.append(message) }
  }

  package func append(framed: [UInt8]) throws(Fault) -> Appended {
    try append { buffer in buffer.append(framed: framed) }
  }

  private func append(_ body: (inout OutboundBuffer) -> Bool) throws(Fault) -> Appended {
    try state.withLock { state throws(Fault) in
      if let closed = state.closed { throw closed() }
      guard body(&state.buffer) else { throw Outbox.endedFault }
      defer { state.isStarved = false }
      return Appended(wakes: state.isStarved, waits: state.buffer.count > unsentBytesMax)
    }
  }

  /// Nothing follows; answers whether the connection must be woken.
  package func finish(_ end: OutboundBuffer.End, discarding: Bool = false) -> Bool {
    state.withLock { state in
      guard state.closed == nil, state.buffer.isOpen else { return false }
      if discarding { state.buffer.discard() }
      state.buffer.finish(end)
      defer { state.isStarved = false }
      return state.isStarved
    }
  }

  /// The stream is gone: senders get the fault, which is only made when there are any.
  package func close(_ fault: @escaping @Sendable () -> Fault) {
    let waiter = state.withLock { state in
      if state.closed == nil { state.closed = fault }
      state.buffer.discard()
      return state.waiter.take()
    }
    waiter?.resume()
  }

  package var isOpen: Bool { state.withLock { $0.closed == nil && $0.buffer.isOpen } }
  /// Bytes that wait to be taken.
  package var count: Int { state.withLock { $0.buffer.count } }
  package var isEmpty: Bool { state.withLock { $0.buffer.count == 0 } }
  /// Whether a connection has taken anything: only then may the peer have seen it.
  package var hasGivenBytes: Bool { state.withLock { $0.hasGivenBytes } }

  /// Starts again with the same whole request, for another attempt.
  package func restart(with framed: [UInt8]) {
    state.withLock { state in
      var buffer = OutboundBuffer()
      _ = buffer.append(framed: framed)
      buffer.finish(.ends)
      state.buffer = buffer
      state.hasGivenBytes = false
    }
  }

  /// The connection's side: moves bytes into a frame.
  package func take(into room: UnsafeMutableRawBufferPointer) -> BodyFill {
    let (fill, resumes) = state.withLock { state in
      let fill = unsafe state.buffer.take(into: room)
      if case .notNow = fill { state.isStarved = true } else { state.hasGivenBytes = true }
      let resumes = state.waiter != nil && state.buffer.count <= unsentBytesMax / 2
      return (fill, resumes)
    }
    if resumes { resumeWaiter() }
    return fill
  }

  /// Waits until the peer has taken half of what may wait.
  package func waitForRoom() async throws {
    try await withTaskCancellationHandler {
      try await waitThrowing { waiter in
        let isReady = state.withLock { state in
          guard state.closed == nil, !Task.isCancelled, state.waiter == nil,
            state.buffer.count > unsentBytesMax / 2
          else { return true }
          state.waiter = waiter
          return false
        }
        if isReady { waiter.resume() }
      }
    } onCancel: {
      resumeWaiter()
    }
    try Task.checkCancellation()
  }

  private func resumeWaiter() {
    let waiter = state.withLock { state -> Waiter<Void, any Error>? in
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  private static var endedFault: Fault {
    Fault(.failedPrecondition, reason: "SENDING_ENDED", "Nothing can be sent after the end.")
  }
}
