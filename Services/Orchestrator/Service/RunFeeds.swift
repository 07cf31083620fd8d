import Faults
import GRPCFormat
import OrchestratorContract
import RPC
import StoreContract

/// The logs of runs, passed on to those who watch.
struct RunFeeds: Sendable {
  let store: StoreClient

  func watch(
    _ request: WatchRequest, metadata: Metadata, _ responses: ResponseWriter<WatchResponse>
  ) async throws {
    var options = CallOptions()
    options.metadata = metadata
    let read = ReadEventsRequest(
      runId: request.runId, afterSeq: request.afterSeq, follow: !request.isReplayOnly)
    for try await answer in store.readEvents(read, options: options) {
      try await responses.send(WatchResponse(events: answer.events))
    }
  }
}
