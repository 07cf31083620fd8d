import CUV
import Glibc

/// A child process on a loop: its output as lines or bytes, its end once.
///
/// The loop keeps it until it has exited. What a grandchild writes after that is not read. A
/// loop that stops first lets go of the child without
/// a signal: ending it is the owner's decision.
@safe package final class ChildProcess: LoopResource {
  /// How a process ended: by itself with `status`, or by `signal` (then not 0).
  package struct Exit: Hashable, Sendable {
    package let status: Int32
    package let signal: Int32

    package init(status: Int32, signal: Int32) {
      self.status = status
      self.signal = signal
    }

    package var isSuccess: Bool { status == 0 && signal == 0 }
  }

  package private(set) var pid: Int32 = 0
  /// Nil while it runs.
  package private(set) var exit: Exit?
  private let leadsSession: Bool
  private var readers: [OutputReader] = []
  private var onExit: ((Exit) -> Void)?

  /// Starts `launch` now; what cannot be started throws (no such file, no permission …).
  ///
  /// `onExit` comes once, after the last byte the child itself wrote; not when the loop stops.
  package init(
    _ launch: ChildLaunch, on loop: EventLoop, onExit: @escaping (Exit) -> Void
  ) throws(EventLoopError) {
    loop.assertCurrent()
    guard !loop.isClosing else { throw .loopStopped }
    try launch.check()
    leadsSession = launch.leadsSession
    self.onExit = onExit
    unsafe super.init(on: loop, handleByteCount: MemoryLayout<uv_process_t>.size)
    var parentsEnds: [Int32] = []
    defer { for end in parentsEnds { close(end) } }
    let inherited = try connectOutputs(of: launch, parentsEnds: &parentsEnds)
    do throws(EventLoopError) {
      try spawn(launch, inherited: inherited)
    } catch {
      closeReaders()
      throw error
    }
    for reader in readers { reader.start() }
  }

  private var handle: UnsafeMutablePointer<uv_process_t>? {
    unsafe memory?.assumingMemoryBound(to: uv_process_t.self)
  }

  /// Sends `signal`; to the whole session's process group if `wholeGroup` and the child leads
  /// one. False when it has exited already.
  @discardableResult
  package func kill(_ signal: Int32, wholeGroup: Bool = false) -> Bool {
    loop.assertCurrent()
    guard exit == nil, !isHandleClosing else { return false }
    return Glibc.kill(wholeGroup && leadsSession ? -pid : pid, signal) == 0
  }

  override func loopIsStopping() {
    onExit = nil
    closeReaders()
    closeHandle()
  }

  // MARK: Starting

  /// What the child gets as its descriptors 0, 1, 2 and on; nil is /dev/null.
  private func connectOutputs(
    of launch: ChildLaunch, parentsEnds: inout [Int32]
  ) throws(EventLoopError) -> [Int32?] {
    var inherited: [Int32?] = []
    switch launch.input {
    case .inherit: inherited.append(0)
    case .null: inherited.append(nil)
    case .descriptor(let descriptor): inherited.append(descriptor)
    }
    for (number, output) in [(Int32(1), launch.output), (2, launch.errorOutput)] {
      switch output {
      case .inherit: inherited.append(number)
      case .null: inherited.append(nil)
      case .descriptor(let descriptor): inherited.append(descriptor)
      case .lines(let onLine):
        inherited.append(try addReader(.lines(onLine), launch, parentsEnds: &parentsEnds))
      case .bytes(let onBytes):
        inherited.append(try addReader(.bytes(onBytes), launch, parentsEnds: &parentsEnds))
      }
    }
    return inherited + launch.descriptors
  }

  private func addReader(
    _ sink: OutputReader.Sink, _ launch: ChildLaunch, parentsEnds: inout [Int32]
  ) throws(EventLoopError) -> Int32 {
    var ends: [Int32] = [-1, -1]
    let status = unsafe assay_pipe(&ends)
    guard status == 0 else {
      closeReaders()
      throw EventLoopError(system: status, "A pipe for \(launch.executable)")
    }
    parentsEnds.append(ends[1])
    do throws(EventLoopError) {
      readers.append(try OutputReader(ends[0], sink, on: loop))
    } catch {
      closeReaders()
      throw error
    }
    return ends[1]
  }

  private func spawn(_ launch: ChildLaunch, inherited: [Int32?]) throws(EventLoopError) {
    let strings = CStrings()
    var options = unsafe uv_process_options_t()
    unsafe options.file = UnsafePointer(strings.add(launch.executable))
    unsafe options.args = strings.array([launch.executable] + launch.arguments)
    if let environment = launch.environment {
      unsafe options.env = strings.array(
        environment.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })
    }
    if let directory = launch.workingDirectory {
      unsafe options.cwd = UnsafePointer(strings.add(directory))
    }
    if let uid = launch.uid {
      unsafe options.uid = uid
      unsafe options.flags |= UV_PROCESS_SETUID.rawValue
    }
    if let gid = launch.gid {
      unsafe options.gid = gid
      unsafe options.flags |= UV_PROCESS_SETGID.rawValue
    }
    if launch.leadsSession { unsafe options.flags |= UV_PROCESS_DETACHED.rawValue }
    unsafe options.exit_cb = { handle, status, signal in
      guard let child = unsafe ChildProcess.of(handle?.pointee.data) else { return }
      child.didExit(Exit(status: Int32(truncatingIfNeeded: status), signal: signal))
    }
    var containers = unsafe inherited.map { unsafe assay_stdio($0 ?? -1) }
    let status = unsafe containers.withUnsafeMutableBufferPointer { containers in
      unsafe options.stdio = containers.baseAddress
      unsafe options.stdio_count = Int32(containers.count)
      return unsafe uv_spawn(assay_uv_loop(loop.handles), handle, &options)
    }
    // libuv knows the handle from here on, also when the start failed.
    opened()
    guard status == 0 else {
      closeHandle()
      throw EventLoopError(system: status, "Starting \(launch.executable)")
    }
    pid = unsafe handle?.pointee.pid ?? 0
  }

  // MARK: The end

  private func didExit(_ exit: Exit) {
    self.exit = exit
    for reader in readers { reader.readRest() }
    closeReaders()
    closeHandle()
    let onExit = onExit.take()
    onExit?(exit)
  }

  private func closeReaders() {
    for reader in readers { reader.close() }
    readers = []
  }
}

/// The memory of C strings for the length of one call.
@safe private final class CStrings {
  private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
  private var arrays: [UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>] = unsafe []

  deinit {
    unsafe strings.forEach { unsafe free($0) }
    unsafe arrays.forEach { unsafe $0.deallocate() }
  }

  func add(_ string: String) -> UnsafeMutablePointer<CChar>? {
    guard let copy = unsafe strdup(string) else { return nil }
    unsafe strings.append(copy)
    return unsafe copy
  }

  /// Ends with nil, as execve asks for.
  func array(_ values: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
    let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
      capacity: values.count + 1)
    for (index, value) in values.enumerated() { unsafe (array + index).initialize(to: add(value)) }
    unsafe (array + values.count).initialize(to: nil)
    unsafe arrays.append(array)
    return unsafe array
  }
}
