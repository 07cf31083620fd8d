/// A suspended task: resumed exactly once, by whoever takes this out of its optional.
///
/// All waiters of this module live in optionals that are touched on the loop's thread only; the
/// runtime's checked continuation would allocate a witness for each wait.
@safe struct Waiter<Value: Sendable>: Sendable {
  private let continuation: UnsafeContinuation<Value, Never>

  fileprivate init(_ continuation: UnsafeContinuation<Value, Never>) {
    unsafe self.continuation = continuation
  }

  func resume(returning value: Value) { unsafe continuation.resume(returning: value) }
}

/// Suspends until the waiter given to `body` is resumed.
func wait<Value: Sendable>(_ body: (Waiter<Value>) -> Void) async -> Value {
  await unsafe withUnsafeContinuation { body(unsafe Waiter($0)) }
}
