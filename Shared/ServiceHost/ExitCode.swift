import Synchronization

/// What the process will answer when its loop has ended.
final class ExitCode: Sendable {
  private let code = Atomic<Int32>(0)
  var value: Int32 { code.load(ordering: .relaxed) }
  func set(_ value: Int32) { code.store(value, ordering: .relaxed) }
}
