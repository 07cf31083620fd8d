import EventLoop
import Faults
import Feed
import OrchestratorContract
import RPC
import RPCStream
import ScoreContract
import StoreContract

/// What all watchers of a run are sent, packed once.
typealias RunFeed = Feed<OwnedRun, Event, PackedMessage<WatchResponse>>

/// The logs of runs for those who watch: one stream from Store for each run, however many watch
/// it here; what was before is read for each from Store.
final class RunFeeds: Sendable {
  private let store: StoreClient
  private let feed: RunFeed
  private let sources: RunSources

  init(store: StoreClient, on loop: EventLoop) {
    let feed = RunFeed(on: loop, bytes: { $0.aboutBytes }) { _, events in
      PackedMessage(WatchResponse(events: events))
    }
    self.store = store
    self.feed = feed
    sources = RunSources(store: store, feed: feed, on: loop)
  }

  func watch(
    _ request: WatchRequest, of run: OwnedRun, _ responses: ResponseWriter<WatchResponse>
  ) async throws {
    guard !request.isReplayOnly else {
      return try await follow(run, after: request.afterSeq, isLive: false, responses)
    }
    // Before anything is read: what is appended from now on is in the feed, the rest in Store.
    try await sources.enter(run)
    do {
      try await follow(run, after: request.afterSeq, isLive: true, responses)
    } catch {
      await sources.leave(run)
      throw error
    }
    await sources.leave(run)
  }

  private func follow(
    _ run: OwnedRun, after seq: Int64, isLive: Bool, _ responses: ResponseWriter<WatchResponse>
  ) async throws {
    let store = store
    try await feed.follow(
      run, after: seq, replay: { try await Self.page(of: run, after: $0, from: store) },
      { follower in
        // An ended run may have been resumed since: it ends with the last of what there is.
        var hasEnded = false
        while let batch = try await follower.next(waiting: isLive && !hasEnded) {
          hasEnded = batch.entries.last?.endsRun == true
          try await responses.send(batch.shared)
        }
      })
  }

  /// Some events behind a sequence; none when there is none.
  private static func page(
    of run: OwnedRun, after seq: Int64, from store: StoreClient
  ) async throws -> [Event] {
    var options = CallOptions(timeout: .seconds(10))
    options.metadata = run.metadata
    let request = ReadEventsRequest(runId: run.id, afterSeq: seq)
    let answers = store.readEvents(request, options: options)
    defer { answers.cancel() }
    return try await answers.next()?.events ?? []
  }

  func end() { feed.end(.goingAway) }
}

extension Fault {
  fileprivate static let goingAway = Fault(
    .unavailable, reason: "SHUTTING_DOWN", "This replica stops; another goes on.",
    retryAfter: .milliseconds(50))
}
