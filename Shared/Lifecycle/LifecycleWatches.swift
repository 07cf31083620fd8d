import EventLoop

/// The signal watches of a lifecycle, opened and closed on their loop from any task.
// The watches are touched inside `execute` only, which runs on the loop's thread.
final class LifecycleWatches: @unchecked Sendable {
  private let loop: EventLoop
  private var watches: [SignalWatch] = []

  init(loop: EventLoop) { self.loop = loop }

  func open(
    _ signals: [Int32], onSignal: @escaping @Sendable (Int32) -> Void
  ) async throws(EventLoopError) {
    let result: Result<Void, EventLoopError> = await withCheckedContinuation { continuation in
      loop.execute { [self] in
        do throws(EventLoopError) {
          for signal in signals {
            watches.append(try SignalWatch(signal, on: loop) { onSignal(signal) })
          }
          continuation.resume(returning: .success(()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    try result.get()
  }

  func close() async {
    await withCheckedContinuation { continuation in
      loop.execute { [self] in
        for watch in watches { watch.close() }
        watches = []
        continuation.resume()
      }
    }
  }
}
