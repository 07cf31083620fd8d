import CUV
import Glibc

/// Threads of our own: named, with a stack that is only address space until it is used.
enum OwnThread {
  static let stackByteCountDefault = 1 << 20

  /// How much less the calling thread gets where there is not enough for all: about a third.
  static let steppedBack: Int32 = 5

  /// Has the calling thread let others go first; it always gets something.
  static func stepBack() { _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, steppedBack) }

  /// Runs `body` on a new thread that nobody joins.
  static func detach(
    name: String, stackByteCount: Int = stackByteCountDefault,
    _ body: @escaping @Sendable () -> Void
  ) throws(EventLoopError) {
    final class Start {
      let name: String
      let body: @Sendable () -> Void

      init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
      }
    }
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe assay_name_thread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    guard status == 0 else {
      unsafe start.release()
      throw EventLoopError(system: -Int32(status), "A thread for \(name) could not be created")
    }
  }
}
