/// Ordered bytes both ways. `SocketStream` is one to another process, `MemoryStream` one within
/// this process. Everything here belongs to the thread of `loop`.
package protocol ByteStream: AnyObject {
  var loop: EventLoop { get }
  /// Who is at the other end, as the kernel says; nil on TCP.
  var peer: PeerCredentials? { get }
  /// For logs: `unix:/path`, `tcp:127.0.0.1:123`, `memory`.
  var label: String { get }
  /// Bytes written that the kernel (or the other end) has not yet taken.
  var queuedByteCount: Int { get }

  /// Begins to read for `owner`, who is kept until it has been told `streamClosed`.
  func start(_ owner: any ByteStreamOwner)
  /// Hands the bytes to the kernel at once as far as it takes them, and queues a copy of the
  /// rest. Dropped once the stream is closed or `finishWriting` was called.
  func write(_ bytes: RawSpan)
  func pauseReading()
  func resumeReading()
  /// Half-closes: the other end sees the end of the bytes after all that was queued.
  func finishWriting()
  /// Closes both directions and drops what is queued; `streamClosed(nil)` follows, never within
  /// this call.
  func close()
}

/// Whom a stream tells what happens. Every call comes on the loop's thread, from the loop
/// itself, never from within a call to the stream.
package protocol ByteStreamOwner: AnyObject {
  /// Bytes arrived; they die on return.
  func streamRead(_ bytes: RawSpan)
  /// The other end will write no more; writing is still possible.
  func streamEnded()
  /// The write queue fell to zero after it was not.
  func streamDrained()
  /// The last call, exactly once; nil after `close()`.
  func streamClosed(_ error: EventLoopError?)
}
