// Locking: the one lock of the house, for small state that several threads touch.
//
// It will never wait for a condition (EventLoop's Monitor does that) and is never held across an
// await: what is inside is looked at or changed in one go.
public import Synchronization

/// A value that only the holder of its lock can see; Synchronization's Mutex, made visible to the
/// thread sanitizer.
///
/// A contended Mutex is handed over inside the kernel, which the sanitizer does not see: it takes
/// whatever both holders touched for a race. So each holder also reads, and then writes, an atomic
/// of its own. Both are plain moves on x86 and one instruction each on ARM.
///
/// Usable from inline, and its import public, or nothing of it is inlined in other modules: each
/// lock would then look up its own type at run time, a third of the cost of a call.
@usableFromInline package struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let mutex: Mutex<Value>
  @usableFromInline let handover = Atomic<UInt8>(0)

  /// A lock around `value`, which nobody else may keep.
  @inlinable package init(_ value: consuming sending Value) { mutex = Mutex(value) }

  /// Runs `body` as the only holder; it must not take this lock again.
  @inlinable package borrowing func withLock<Result: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    try mutex.withLock { value throws(E) in
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(0, ordering: .releasing) }
      return try body(&value)
    }
  }
}
