import Glibc
import Lifecycle
import Testing

@Suite struct ServiceNotifierTests {
  /// Stands in for the service manager.
  private final class Listener {
    let descriptor: Int32

    /// Binds to a path, or with `@` to a name in no directory.
    init(_ name: String) {
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      var bytes = [UInt8](name.utf8)
      if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
      let length = socklen_t(2 + bytes.count)
      let status = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe bind(
          descriptor, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
      }
      #expect(status == 0)
    }

    /// The next message; nil when there is none.
    func next() -> String? {
      var room = [UInt8](repeating: 0, count: 1024)
      let count = unsafe recv(descriptor, &room, room.count, Int32(MSG_DONTWAIT))
      return count < 0 ? nil : String(decoding: room[..<count], as: UTF8.self)
    }

    deinit { close(descriptor) }
  }

  private let path = "/tmp/assay-notify-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"

  @Test(arguments: [false, true])
  func `the manager hears how it goes`(isAbstract: Bool) {
    let name = isAbstract ? "@" + path.dropFirst() : path
    let manager = Listener(name)
    defer { unsafe unlink(path) }
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": name])
    #expect(notifier.isConnected)
    notifier.ready()
    notifier.status("waiting for store\nREADY=1")
    notifier.status(String(repeating: "é", count: 1000))
    notifier.stopping()
    #expect(manager.next() == "READY=1")
    #expect(manager.next() == "STATUS=waiting for store READY=1")
    #expect(manager.next()?.utf8.count == 256 + 7)
    #expect(manager.next() == "STOPPING=1")
    #expect(manager.next() == nil)
  }

  @Test(arguments: [
    "", "@", "/", "relative", "vsock:2:1", "/" + String(repeating: "x", count: 107),
    "@" + String(repeating: "x", count: 108), "/a\0b",
  ])
  func `a name that is no socket of ours is nobody`(name: String) {
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": name])
    #expect(!notifier.isConnected)
    notifier.ready()
  }

  @Test func `the longest names fit`() {
    for name in [
      "/" + String(repeating: "x", count: 106), "@" + String(repeating: "x", count: 107),
    ] {
      #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": name]).isConnected)
    }
  }

  @Test func `a manager that is gone or full is not waited for`() {
    let absent = ServiceNotifier(environment: ["NOTIFY_SOCKET": path])
    absent.ready()
    ServiceNotifier(environment: [:]).ready()
    ServiceNotifier.none.stopping()

    let manager = Listener(path)
    defer { unsafe unlink(path) }
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path])
    for _ in 0..<2000 { notifier.ready() }
    #expect(manager.next() == "READY=1")
  }
}
