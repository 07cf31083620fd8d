// WellKnown: Google's shared messages as values: Timestamp, Duration, Empty, Any, and the details
// of a google.rpc.Status. It knows no service and no transport, so that RPC itself can stand on
// it. Limits are those of the messages that carry these.

extension WireDuration {
  /// Cut to whole nanoseconds, both parts with the same sign, as the proto asks.
  package init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init()
    self.seconds = seconds
    self.nanos = Int32(attoseconds / 1_000_000_000)
  }

  /// What a peer sent, whatever it sent: the parts are added.
  package var duration: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }
}
