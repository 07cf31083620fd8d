/// Why parts were asked to stop.
package enum StopReason: Equatable, Sendable {
  case signal(Int32)
  /// Somebody called `stop()`, or the task around the lifecycle was cancelled.
  case request
  /// This part failed, or ended though it may not.
  case member(String)
  /// All parts have ended by themselves.
  case done
}

/// How it all ended.
package struct LifecycleOutcome: Sendable {
  /// A part that did not end as it should.
  package struct Failure: Sendable {
    package let name: String
    /// Nil when it returned without being asked to.
    package let error: (any Error)?
  }

  package let reason: StopReason
  /// In the order in which they happened.
  package let failures: [Failure]

  /// 0 when everything ended as it should, 1 otherwise.
  package var exitCode: Int32 { failures.isEmpty ? 0 : 1 }
}
