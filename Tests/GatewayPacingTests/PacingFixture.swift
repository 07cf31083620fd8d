import GatewayPacing
import Testing

/// Seconds on the tests' clock.
func at(_ seconds: Double) -> MonotonicInstant {
  MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
}

extension MonotonicInstant {
  var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// `#expect` of what changes something on the way, which the macro does not take.
func check(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(isTrue, sourceLocation: sourceLocation)
}
