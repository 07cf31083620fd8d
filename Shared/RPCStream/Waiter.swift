/// A suspended task: resumed exactly once, by whoever takes this out of the lock it waits in.
///
/// The runtime's checked continuation allocates a witness for each wait; on the path of every
/// call that is a third of the wait's cost. The rule above replaces it, and every holder keeps a
/// waiter in an optional that is emptied under a lock.
@safe @usableFromInline package struct Waiter<Value: Sendable, Failure: Error>: Sendable {
  @usableFromInline let continuation: UnsafeContinuation<Value, Failure>

  @inlinable init(_ continuation: UnsafeContinuation<Value, Failure>) {
    unsafe self.continuation = continuation
  }

  @inlinable package func resume(returning value: Value) {
    unsafe continuation.resume(returning: value)
  }
  @inlinable package func resume(throwing failure: Failure) {
    unsafe continuation.resume(throwing: failure)
  }
  @inlinable package func resume(with result: Result<Value, Failure>) {
    unsafe continuation.resume(with: result)
  }
}

extension Waiter where Value == Void {
  @inlinable package func resume() { resume(returning: ()) }
}

/// Suspends until the waiter given to `body` is resumed.
@inlinable package func wait<Value: Sendable>(
  _ body: (Waiter<Value, Never>) -> Void
) async -> Value {
  await unsafe withUnsafeContinuation { continuation in
    body(unsafe Waiter(continuation))
  }
}

/// Suspends until the waiter given to `body` is resumed; it may be resumed with an error.
@inlinable package func waitThrowing<Value: Sendable>(
  _ body: (Waiter<Value, any Error>) -> Void
) async throws -> Value {
  try await unsafe withUnsafeThrowingContinuation { continuation in
    body(unsafe Waiter(continuation))
  }
}
