// RPCStream: the two halves of one stream (`Outbox` to send, `MessageQueue` to receive) and the
// bytes below them (`FrameConduit`): what server and channel share. It knows no method, opens no
// socket and never waits for a peer: whoever sends waits in `Outbox`, whoever reads in
// `MessageQueue`. Limits: `FrameConduitLimits`, `MessageQueueLimits`, a stream's unsent bytes.

package import EventLoop
package import HTTP2

/// What a connection hears of the bytes below its session.
package protocol FrameConduitOwner: AnyObject {
  /// Once, the last word: no byte comes or goes any more.
  func conduitClosed(_ reason: String?)
}

/// Moves bytes between one byte stream and one HTTP/2 session; loop-confined.
///
/// It, the stream and its owner hold each other until the stream is closed.
///
/// Frames are written once per turn of the loop, when every handler that was ready has run, so
/// that many answers share one write.
package final class FrameConduit: ByteStreamOwner, TurnEnding {
  package let stream: any ByteStream
  package let session: HTTP2Session
  private let owner: any FrameConduitOwner
  /// A server stops reading requests while its answers are not taken; a client never does, or
  /// two full pipes would wait for each other.
  private let pausesReading: Bool

  private var outgoing: [UInt8] = []
  private var isScheduled = false
  private var isReadingPaused = false
  package private(set) var isClosed = false
  private var isClosing = false
  private var closeReason: String?
  /// When the peer last took bytes or none waited; for the stall limit.
  package private(set) var lastWriteProgress: UInt64
  package private(set) var lastRead: UInt64

  package init(
    _ stream: any ByteStream, _ session: HTTP2Session, owner: any FrameConduitOwner,
    pausesReading: Bool
  ) {
    self.stream = stream
    self.session = session
    self.owner = owner
    self.pausesReading = pausesReading
    self.lastWriteProgress = stream.loop.nowNanoseconds
    self.lastRead = self.lastWriteProgress
  }

  package func start() {
    stream.start(self)
    schedule()
  }

  /// Writes what the session has to say at the end of this turn.
  package func schedule() {
    guard !isScheduled, !isClosed else { return }
    isScheduled = true
    stream.loop.atEndOfTurn(self)
  }

  /// Sends what is queued, then closes.
  package func close(_ reason: String?) {
    guard !isClosing else { return }
    isClosing = true
    closeReason = reason
    flush()
    stream.close()
  }

  /// Sends what is queued, says that nothing follows, and lets the peer close.
  package func finish() {
    flush()
    stream.finishWriting()
  }

  package var unsentBytes: Int { stream.queuedByteCount }

  package func turnEnded() {
    isScheduled = false
    flush()
    if !isClosing, !isClosed, !session.isAlive { close(session.lastError) }
  }

  private func flush() {
    guard !isClosed else { return }
    // A variable of this function: each look at the property would be checked for overlap.
    var bytes: [UInt8] = []
    swap(&bytes, &outgoing)
    var queued = stream.queuedByteCount
    do {
      while queued < FrameConduitLimits.unsentBytesMax {
        try session.appendOutgoing(to: &bytes, limit: FrameConduitLimits.writeBytes)
        guard !bytes.isEmpty else { break }
        if queued == 0 { lastWriteProgress = lastRead }
        stream.write(unsafe bytes.span.bytes)
        bytes.removeAll(keepingCapacity: true)
        queued = stream.queuedByteCount
      }
    } catch {
      if !isClosing {
        isClosing = true
        closeReason = error.description
        stream.close()
      }
    }
    bytes.removeAll(keepingCapacity: true)
    if bytes.capacity <= FrameConduitLimits.keptBytesMax { swap(&bytes, &outgoing) }
    if pausesReading, !isReadingPaused, queued >= FrameConduitLimits.unsentBytesMax {
      isReadingPaused = true
      stream.pauseReading()
    }
  }

  // MARK: ByteStreamOwner

  package func streamRead(_ bytes: RawSpan) {
    guard !isClosing else { return }
    lastRead = stream.loop.nowNanoseconds
    do {
      try session.receive(bytes, at: lastRead)
      if session.wantsToWrite || !session.isAlive { schedule() }
    } catch {
      session.terminate(error.isFlood ? .enhanceYourCalm : .protocolError)
      close(error.description)
    }
  }

  package func streamEnded() { close("the peer closed the connection") }

  package func streamDrained() {
    lastWriteProgress = stream.loop.nowNanoseconds
    if isReadingPaused {
      isReadingPaused = false
      stream.resumeReading()
    }
    schedule()
  }

  package func streamClosed(_ error: EventLoopError?) {
    guard !isClosed else { return }
    isClosed = true
    owner.conduitClosed(closeReason ?? error.map { "\($0)" })
  }
}

/// Bounds on what one connection holds on its way to the kernel.
package enum FrameConduitLimits {
  /// Bytes handed to the kernel at once.
  package static let writeBytes = 64 << 10
  /// Memory that an idle connection keeps for its next write.
  package static let keptBytesMax = 16 << 10
  /// Bytes that may wait for a slow peer before frames stay in the session.
  package static let unsentBytesMax = 256 << 10
}
