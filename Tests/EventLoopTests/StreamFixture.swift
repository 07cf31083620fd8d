import EventLoop
import Glibc
import Testing

/// An owner that keeps what it was told. Touched on its stream's loop only.
final class Recorder: ByteStreamOwner {
  var bytes: [UInt8] = []
  var byteCount = 0
  var hasEnded = false
  var drainedCount = 0
  var closedCount = 0
  var error: EventLoopError?
  var keepsBytes = true
  var onRead: (RawSpan) -> Void = { _ in }
  var onEnded: () -> Void = {}
  var onClosed: (EventLoopError?) -> Void = { _ in }

  func streamRead(_ bytes: RawSpan) {
    byteCount += bytes.byteCount
    if keepsBytes { self.bytes.append(contentsOf: bytes) }
    onRead(bytes)
  }

  func streamEnded() {
    hasEnded = true
    onEnded()
  }

  func streamDrained() { drainedCount += 1 }

  func streamClosed(_ error: EventLoopError?) {
    closedCount += 1
    self.error = error
    onClosed(error)
  }
}

extension [UInt8] {
  mutating func append(contentsOf bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension ByteStream {
  func write(_ bytes: [UInt8]) { unsafe write(bytes.span.bytes) }
  func write(_ text: String) { write(Array(text.utf8)) }
}

/// Which of the streams a test runs over.
enum Wire: String, CaseIterable, Sendable {
  case unix, tcp, memory
}

/// Both ends of one connection, on one loop, started with a recorder each.
final class Connection {
  let near: any ByteStream
  let far: any ByteStream
  let nearOwner = Recorder()
  let farOwner = Recorder()

  init(near: any ByteStream, far: any ByteStream) {
    self.near = near
    self.far = far
    near.start(nearOwner)
    far.start(farOwner)
  }
}

extension EventLoop {
  /// Connects over `wire`; what it gives is touched inside `perform` only.
  func connection(over wire: Wire, scratch: Scratch) async throws -> OnLoop<Connection> {
    if wire == .memory {
      return try await perform {
        let (near, far) = MemoryStream.pair(self, self)
        return OnLoop(Connection(near: near, far: far))
      }
    }
    let near = OnLoop<SocketStream?>(nil)
    let far = OnLoop<SocketStream?>(nil)
    let listener = OnLoop<Listener?>(nil)
    try await perform {
      let opened =
        wire == .unix
        ? try Listener.unix(path: scratch.path("c.sock"), mode: 0o600, on: self)
        : try Listener.tcp(host: "127.0.0.1", port: 0, on: self)
      listener.value = opened
      try opened.start { far.value = $0 }
      _ = SocketStream.connect(to: opened.address, on: self, timeout: .seconds(10)) {
        near.value = try? $0.get()
      }
    }
    try await wait("both ends are there") { near.value != nil && far.value != nil }
    return try await perform {
      listener.value?.close()
      guard let near = near.value, let far = far.value else { throw WaitedInVain() }
      return OnLoop(Connection(near: near, far: far))
    }
  }
}

/// A directory with a short path, removed with all it holds.
final class Scratch: Sendable {
  let directory: String

  init() throws {
    var template = Array("/tmp/el-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw EventLoopError(.system, "mkdtemp") }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Scratch.remove(directory) }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  func write(_ text: String, to name: String) {
    let file = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    _ = unsafe Array(text.utf8).withUnsafeBytes {
      unsafe Glibc.write(file, $0.baseAddress, $0.count)
    }
    close(file)
  }

  var names: [String] { Scratch.names(of: directory) }

  private static func names(of directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func remove(_ directory: String) {
    for name in names(of: directory) {
      let path = "\(directory)/\(name)"
      if unsafe unlink(path) != 0 { remove(path) }
    }
    unsafe rmdir(directory)
  }
}
