import Telemetry

/// What time it is for people.
enum WallClock {
  /// Since 1970.
  static var milliseconds: Int64 {
    let now = WallTime.now()
    return now.seconds * 1_000 + Int64(now.nanoseconds) / 1_000_000
  }
}
