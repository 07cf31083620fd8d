import CMicroHTTPD
import EventLoop
import Glibc

/// A socket whose peer still sends what nobody wants: read and dropped until the peer is done, so
/// that it hears our answer. A socket closed with bytes unread resets the connection, and the
/// answer that is on its way is lost.
final class Lingering {
  private let descriptor: Int32
  private var poll: DescriptorPoll?
  private var timer: LoopTimer?
  private var bytesLeft: Int
  private var onEnd: (() -> Void)?

  /// Owns `descriptor`.
  init(
    _ descriptor: Int32, on loop: EventLoop, limits: HTTPServerLimits, onEnd: @escaping () -> Void
  ) throws(EventLoopError) {
    self.descriptor = descriptor
    self.onEnd = onEnd
    bytesLeft = limits.lingerBytesMax
    do throws(EventLoopError) {
      // The poll keeps this until the end.
      let poll = try DescriptorPoll(
        descriptor, on: loop, onReady: { _ in self.read() }, onStop: { self.end() })
      self.poll = poll
      poll.watch()
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    timer = loop.schedule(after: limits.lingerTimeout) { [weak self] in self?.end() }
  }

  private func read() {
    let count = unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      let count = unsafe assay_receive_now(descriptor, base, buffer.count)
      return count < 0 && errno == EAGAIN ? 1 : count
    }
    bytesLeft -= count
    if count <= 0 || bytesLeft <= 0 { end() }
  }

  func end() {
    guard let onEnd = onEnd.take() else { return }
    timer?.cancel()
    poll?.close()
    poll = nil
    Glibc.close(descriptor)
    onEnd()
  }
}
