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
