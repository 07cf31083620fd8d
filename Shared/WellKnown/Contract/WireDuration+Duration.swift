// WellKnown: google.protobuf's Timestamp, Duration, Empty and Any, and google.rpc's status with
// its details, as Swift values. Nearly all of it is generated; it knows nothing of RPC. What a
// peer sent in them is not checked here: a Timestamp may lie outside of any calendar.

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
