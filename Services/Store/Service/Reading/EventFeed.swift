import EventLoop
import Faults
import Feed
import RPCStream
import ScoreContract
import StoreBackend
import StoreContract

/// The logs of all runs, live: what all followers of a run are sent is packed once.
typealias EventFeed = Feed<RunName, Event, PackedEvents>

/// Some events as they go out to everyone who follows.
struct PackedEvents: Sendable {
  let message: PackedMessage<ReadEventsResponse>
}

extension EventFeed {
  static func make(on loop: EventLoop) -> EventFeed {
    EventFeed(on: loop, bytes: { $0.aboutBytes }) { _, events in
      PackedEvents(message: PackedMessage(ReadEventsResponse(events: events)))
    }
  }
}

extension Event {
  /// Memory, roughly.
  var aboutBytes: Int {
    guard case .unit(let change) = fact?.kind else { return 512 }
    guard let verdict = change.verdict else { return 512 }
    return 1024 + verdict.reasoning.utf8.count + verdict.detail.count
  }

  /// Whether the run has ended with this.
  var endsRun: Bool {
    guard case .run(let change) = fact?.kind else { return false }
    return change.requested == .unspecified && change.state.isEnded
  }
}
