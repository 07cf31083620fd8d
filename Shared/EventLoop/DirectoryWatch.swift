import CUV
import Glibc

/// Says that something in a directory changed: a name came, went, or was renamed. Which one is
/// for the caller to see, with `entries(of:suffix:)`.
///
/// The directory need not exist: it is looked for until it does, and again when it was removed
/// or replaced. Not noticed: the renaming of a directory above it.
@safe package final class DirectoryWatch {
  package let path: String
  package let loop: EventLoop
  private let onChange: () -> Void
  private let lookInterval: Duration

  private var events: DirectoryEvents?
  private var watched: Identity?
  private var look: LoopTimer?
  private var isClosed = false

  private struct Identity: Equatable {
    let device: UInt
    let inode: UInt
  }

  /// Entries that `entries` returns at most.
  package static let entriesMax = 4096

  /// Watches until `close()`. `onChange` comes on the loop, at most once a turn, and never
  /// within `init`: list the directory once after it.
  package init(
    path: String, on loop: EventLoop, lookInterval: Duration = .milliseconds(100),
    onChange: @escaping () -> Void
  ) {
    loop.assertCurrent()
    self.path = path
    self.loop = loop
    self.lookInterval = lookInterval
    self.onChange = onChange
    attach()
  }

  /// No call comes after this. Without it the watch lives until the loop stops.
  package func close() {
    loop.assertCurrent()
    isClosed = true
    detach()
    look?.cancel()
  }

  // MARK: Watching

  private func attach() {
    guard let found = Self.identity(of: path) else { return lookAgain() }
    do throws(EventLoopError) {
      events = try DirectoryEvents(path, on: loop) { self.noteEvent() }
      watched = found
    } catch {
      // No watch to be had (the kernel bounds them): then every look counts as a change.
      lookAgain()
    }
  }

  private func detach() {
    events?.close()
    events = nil
    watched = nil
  }

  private func lookAgain() {
    look?.cancel()
    look = loop.schedule(after: lookInterval) {
      guard !self.isClosed else { return }
      self.attach()
      if Self.identity(of: self.path) != nil { self.onChange() }
    }
  }

  private func noteEvent() { loop.atEndOfTurn(self) }

  private static func identity(of path: String) -> Identity? {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    return Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
  }

  // MARK: Listing

  /// Names in the directory that end in `suffix`, sorted; none when it does not exist.
  package static func entries(of path: String, suffix: String = "") -> [String] {
    guard let stream = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while names.count < entriesMax, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." && name.hasSuffix(suffix) { names.append(name) }
    }
    return names.sorted()
  }
}

extension DirectoryWatch: TurnEnding {
  /// All events of a turn are one change.
  package func turnEnded() {
    guard !isClosed else { return }
    if Self.identity(of: path) != watched {
      detach()
      attach()
    }
    onChange()
  }
}

/// The libuv handle of one watched directory.
@safe private final class DirectoryEvents: LoopResource {
  private var onEvent: (() -> Void)?

  init(_ path: String, on loop: EventLoop, onEvent: @escaping () -> Void) throws(EventLoopError) {
    guard !loop.isClosing else { throw .loopStopped }
    self.onEvent = onEvent
    unsafe super.init(on: loop, handleByteCount: MemoryLayout<uv_fs_event_t>.size)
    let status = unsafe uv_fs_event_init(assay_uv_loop(loop.handles), handle)
    guard status == 0 else { throw EventLoopError(system: status, "Watching \(path)") }
    opened()
    let started = unsafe uv_fs_event_start(
      handle,
      { handle, _, _, _ in unsafe DirectoryEvents.of(handle?.pointee.data)?.onEvent?() }, path, 0)
    guard started == 0 else {
      closeHandle()
      throw EventLoopError(system: started, "Watching \(path)")
    }
  }

  private var handle: UnsafeMutablePointer<uv_fs_event_t>? {
    unsafe memory?.assumingMemoryBound(to: uv_fs_event_t.self)
  }

  func close() {
    onEvent = nil
    closeHandle()
  }

  override func loopIsStopping() { close() }
}
