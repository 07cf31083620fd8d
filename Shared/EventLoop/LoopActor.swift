/// An actor that lives on a loop: its methods run on the loop's thread, between the callbacks.
///
/// What belongs to the loop (streams, timers, child processes) can be its state, and closures
/// made in its methods may be handed to them.
package protocol LoopActor: Actor {
  nonisolated var loop: EventLoop { get }
}

extension LoopActor {
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }
}
