package import GatewayPacing

/// What became of an ask.
package enum Decision: Sendable, Equatable {
  case admitted(Ticket)
  /// It is in the queue; `next` will say when it may go, or that it may not.
  case waiting(Place)
  /// Nothing was consumed anywhere.
  case refused(Refusal)
}

/// Where a waiting call stands.
package struct Place: Sendable, Equatable {
  /// From 1; at most so many leave before it.
  package var position: Int
  package var reason: WaitReason
  package var predictedStart: MonotonicInstant
}

/// Why a call may not leave at all, and when asking again makes sense.
package struct Refusal: Sendable, Equatable {
  package enum Reason: Sendable, Equatable {
    case unknownProduct
    case unknownRoute
    /// Sizes below zero or beyond all measure, no route, or too many.
    case senseless
    /// The same id waits or is on its way.
    case alreadyAsked
    /// It is larger than a limit can ever hold.
    case tooLarge(LimitScope, LimitKind)
    case queueFull
    case productQueueFull
    /// The last moment to start has passed.
    case deadline
    /// No route will be open in time, for the reason of the first one.
    case noRoute(WaitReason)
  }

  package var reason: Reason
  package var retryAfter: Duration?

  package init(_ reason: Reason, retryAfter: Duration? = nil) {
    self.reason = reason
    self.retryAfter = retryAfter
  }
}

/// The end of a wait.
package enum Released: Sendable, Equatable {
  case admitted(Ticket)
  case refused(id: UInt64, Refusal)
  /// A ticket that nobody settled in time; it counts as all that was reserved.
  case lost(Ticket)
}

/// Why a call waits, for a person.
package struct Explanation: Sendable, Equatable {
  package struct Way: Sendable, Equatable {
    package var route: String
    package var reason: WaitReason
    /// Nil: when something happens that nobody can date.
    package var until: MonotonicInstant?
  }

  package var id: UInt64
  package var since: MonotonicInstant
  package var startBy: MonotonicInstant
  package var place: Place
  package var ways: [Way]
}
